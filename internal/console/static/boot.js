// Runs before the first paint: says that scripts run, and tells the server the
// reader's time zone. Only the first page of a new browser is drawn twice.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");
  var shown = root.dataset.zone;
  var mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!shown || !mine || shown === mine) return;
  document.cookie = "zone=" + mine + "; path=/; max-age=31536000; samesite=lax";
  if (document.cookie.indexOf("zone=" + mine) < 0 || sessionStorage.getItem("zone") === mine) return;
  sessionStorage.setItem("zone", mine);
  location.reload();
})();
