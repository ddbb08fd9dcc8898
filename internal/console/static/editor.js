// The editor of rules: a plain field with numbered lines beside it. The page
// works without this; what is found of the text comes from the server.
(function () {
  "use strict";
  var field = document.getElementById("text");
  var verdict = document.getElementById("verdict");
  if (!field || !verdict) return;
  var gutter = field.parentNode.querySelector(".gutter");
  var save = document.getElementById("save");
  var said = document.getElementById("said");
  var clean = "unsaved" in field.dataset ? null : field.value, leaving = false;

  // Numbers of the lines; those with an error are marked.
  function number() {
    var wrong = {};
    verdict.querySelectorAll(".faults .place").forEach(function (b) { wrong[b.dataset.line] = true; });
    var lines = field.value.split("\n").length;
    var fresh = document.createDocumentFragment();
    for (var i = 1; i <= lines; i++) {
      var line = document.createElement("span");
      line.textContent = i;
      if (wrong[i]) line.className = "wrong";
      fresh.appendChild(line);
    }
    gutter.replaceChildren(fresh);
    gutter.scrollTop = field.scrollTop;
  }

  function judge() {
    var state = verdict.querySelector("[data-valid]");
    if (!state) return;
    save.disabled = state.dataset.valid !== "yes";
    said.textContent = state.dataset.headline;
    number();
  }

  // The caret goes to a line and a column, which counts characters.
  function go(line, column) {
    var lines = field.value.split("\n"), at = 0;
    for (var i = 0; i < Math.min(line - 1, lines.length - 1); i++) at += lines[i].length + 1;
    var into = Array.from(lines[Math.min(line, lines.length) - 1]).slice(0, Math.max(column - 1, 0)).join("").length;
    field.focus();
    field.setSelectionRange(at + into, at + into);
    var height = parseFloat(getComputedStyle(field).lineHeight);
    if (line * height < field.scrollTop + height || line * height > field.scrollTop + field.clientHeight - height) {
      field.scrollTop = Math.max(0, (line - 5) * height);
    }
  }

  // insertText keeps what the browser can undo.
  function put(text) {
    if (!document.execCommand("insertText", false, text)) field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  }

  function lineStart(at) { return field.value.lastIndexOf("\n", at - 1) + 1; }

  // Tab indents by two; over several lines it indents them all, with Shift it
  // takes the indent away.
  function indent(out) {
    var from = field.selectionStart, to = field.selectionEnd;
    if (from === to && !out) { put("  "); return; }
    var start = lineStart(from), block = field.value.slice(start, to);
    var moved = block.split("\n").map(function (l) { return out ? l.replace(/^ {1,2}/, "") : "  " + l; }).join("\n");
    if (moved === block) return;
    field.setSelectionRange(start, to);
    put(moved);
    var shift = moved.length - block.length;
    field.setSelectionRange(from === to ? Math.max(start, to + shift) : start, Math.max(start, to + shift));
  }

  // A new line begins where the one above it did, behind its dash.
  function breakLine() {
    var line = field.value.slice(lineStart(field.selectionStart), field.selectionStart);
    put("\n" + /^ *(- )?/.exec(line)[0].replace("-", " "));
  }

  field.addEventListener("keydown", function (e) {
    if (e.key === "Tab" && !e.ctrlKey && !e.altKey && !e.metaKey) { e.preventDefault(); indent(e.shiftKey); }
    if (e.key === "Enter" && !e.ctrlKey && !e.metaKey && !e.shiftKey && !e.isComposing) { e.preventDefault(); breakLine(); }
    if (e.key === "s" && (e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      if (!save.disabled) field.form.requestSubmit(save);
    }
  });
  field.addEventListener("input", number);
  field.addEventListener("scroll", function () { gutter.scrollTop = field.scrollTop; });
  verdict.addEventListener("click", function (e) {
    var place = e.target.closest(".place");
    if (place) go(Number(place.dataset.line), Number(place.dataset.column) || 1);
  });
  document.body.addEventListener("htmx:afterSwap", function (e) { if (e.target === verdict) judge(); });
  field.form.addEventListener("submit", function () { leaving = true; });
  window.addEventListener("pageshow", function () { leaving = false; });
  window.addEventListener("beforeunload", function (e) { if (!leaving && field.value !== clean) e.preventDefault(); });
  judge();
})();
