// One event stream per tab. An event refreshes the regions that named its
// topic: <section data-live="ticket alarm" hx-get=... hx-trigger="live">.
(function () {
  "use strict";
  var types = (document.documentElement.dataset.events || "").split(" ").filter(Boolean);
  if (!types.length || !window.EventSource) return;

  // Where the page's contents stand, so that nothing falls between the
  // rendering and the first connection.
  var source, last = document.documentElement.dataset.position || "", delay = 1000, timer;
  var topics = new Set(), refreshed = 0, apart = 1500;

  function say(state, text) {
    document.querySelectorAll("[data-live-state]").forEach(function (el) {
      el.dataset.state = state;
      el.textContent = text;
    });
  }

  function open() {
    clearTimeout(timer);
    // The browser repeats the last id by itself only while it reconnects this
    // same object; after a refusal it gives up, and we start anew with the id.
    source = new EventSource("/api/v1/events" + (last ? "?last_event_id=" + last : ""));
    source.onopen = function () { delay = 1000; say("live", "Live"); };
    source.onerror = function () {
      say("lost", "Reconnecting");
      if (source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, delay);
      delay = Math.min(delay * 2, 30000);
    };
    types.forEach(function (type) { source.addEventListener(type, note); });
  }

  function note(event) {
    if (event.lastEventId) last = event.lastEventId;
    // A burst is one refresh, and a flood no more than one each while.
    if (!topics.size) setTimeout(refresh, Math.max(250, refreshed + apart - Date.now()));
    topics.add(event.type.split(".")[0]);
  }

  function refresh() {
    refreshed = Date.now();
    document.querySelectorAll("[data-live]").forEach(function (region) {
      var concerned = region.dataset.live.split(" ").some(function (t) { return topics.has(t); });
      if (concerned) renew(region);
    });
    topics.clear();
  }

  // A region somebody is filling in waits until they leave it.
  function renew(region) {
    var busy = document.activeElement;
    if (busy && region.contains(busy) && busy.matches("input, textarea, select")) {
      region.addEventListener("focusout", function () { renew(region); }, { once: true });
      return;
    }
    htmx.trigger(region, "live");
  }

  // A hidden tab gives its connection back: HTTP/1.1 allows six per site.
  document.addEventListener("visibilitychange", function () {
    clearTimeout(timer);
    if (!document.hidden) {
      if (source.readyState === EventSource.CLOSED) open();
      return;
    }
    timer = setTimeout(function () { source.close(); }, 30000);
  });
  window.addEventListener("pagehide", function () { source.close(); });
  window.addEventListener("pageshow", function (e) { if (e.persisted) open(); });
  open();
})();
