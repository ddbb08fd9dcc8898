// Small comforts on top of pages that work without them: ages that grow,
// j and k through lists, / to search, filters that apply themselves.
(function () {
  "use strict";

  function age(ms) {
    var s = Math.floor(ms / 1000);
    if (s < 5) return "now";
    if (s < 60) return s + "\u202fs";
    if (s < 3600) return Math.floor(s / 60) + "\u202fmin";
    if (s < 172800) return Math.floor(s / 3600) + "\u202fh";
    return Math.floor(s / 86400) + "\u202fd";
  }

  function growAges() {
    document.querySelectorAll("time[data-age], time[data-past]").forEach(function (el) {
      var ms = Date.now() - Date.parse(el.getAttribute("datetime"));
      if (ms < 0) return;
      var text = age(ms);
      if (el.hasAttribute("data-past")) text = text === "now" ? "just now" : text + " ago";
      el.textContent = text;
    });
  }
  setInterval(growAges, 15000);

  // A strip of tabs that is wider than the screen begins at its chosen one.
  document.querySelectorAll(".tabs [aria-current]").forEach(function (el) {
    var strip = el.closest(".tabs");
    if (strip.scrollWidth > strip.clientWidth) strip.scrollLeft = el.offsetLeft - strip.offsetLeft - (strip.clientWidth - el.offsetWidth) / 2;
  });

  function typing(el) { return el && el.matches("input, textarea, select, [contenteditable]"); }

  function step(by) {
    var links = Array.prototype.slice.call(document.querySelectorAll("a.row-link"));
    if (!links.length) return;
    var at = links.indexOf(document.activeElement);
    var next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1);
    links[next].focus();
    links[next].scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", function (e) {
    if (e.metaKey || e.ctrlKey || e.altKey) return;
    if (typing(e.target)) {
      if (e.key === "Escape") e.target.blur();
      return;
    }
    switch (e.key) {
      case "j": step(1); break;
      case "k": step(-1); break;
      case "u": {
        var up = document.querySelector(".crumb a");
        if (up) up.click();
        break;
      }
      case "c": {
        var box = document.getElementById("comment");
        if (box) { e.preventDefault(); box.focus(); }
        break;
      }
      case "/": {
        var search = document.querySelector("input[type=search]");
        if (search) { e.preventDefault(); search.focus(); search.select(); }
        break;
      }
    }
  });

  // A choice in a property form is the decision itself.
  document.addEventListener("change", function (e) {
    var form = e.target.closest("form[data-submit-on-change]");
    if (form) form.requestSubmit();
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", function (e) {
    var form = e.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { e.preventDefault(); return; }
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (f) { delete f.dataset.sent; });
  });
})();
