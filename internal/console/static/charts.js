// Draws every <div data-chart="URL">: lines with their limits, the band of
// what is allowed, stretches outside it, gaps and marks. The figure's caption
// and table say the same to those who cannot see it.
(function () {
  "use strict";
  var drawn = new Map();
  var ratio = function () { return window.devicePixelRatio || 1; };

  function token(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }
  function palette() {
    var p = {};
    ["text", "muted", "line", "surface", "sunken", "red", "amber", "green", "blue", "grey", "violet", "red-mark", "red-tint", "amber-mark", "green-mark", "green-tint",
      "blue-mark", "blue-tint", "grey-mark", "grey-tint", "violet-mark", "font"].forEach(function (n) { p[n] = token(n); });
    return p;
  }

  function two(n) { return (n < 10 ? "0" : "") + n; }
  function clock(t) { var d = new Date(t * 1000); return two(d.getHours()) + ":" + two(d.getMinutes()); }
  function day(t) { return new Date(t * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short" }); }
  function said(data, v) { return data.switch && (v === 0 || v === 1) ? (v ? "yes" : "no") : number(v); }
  function number(v) { return String(Math.round(v * 100) / 100).replace("-", "\u2212"); }

  function xLabels(u, splits, axis, space, step) {
    var before = "";
    return splits.map(function (t) {
      var today = day(t);
      if (step >= 86400) return today;
      var text = clock(t) + (step < 60 ? ":" + two(new Date(t * 1000).getSeconds()) : "") + (today !== before ? "\n" + today : "");
      before = today;
      return text;
    });
  }

  function hatch(ctx, x, y, w, h, colour) {
    ctx.save();
    ctx.beginPath(); ctx.rect(x, y, w, h); ctx.clip();
    ctx.strokeStyle = colour; ctx.lineWidth = ratio(); ctx.globalAlpha = 0.55;
    ctx.beginPath();
    for (var i = x - h; i < x + w; i += 7 * ratio()) { ctx.moveTo(i, y + h); ctx.lineTo(i + h, y); }
    ctx.stroke();
    ctx.restore();
  }

  function behind(u, data, p) {
    var ctx = u.ctx, box = u.bbox;
    ctx.save();
    ctx.beginPath(); ctx.rect(box.left, box.top, box.width, box.height); ctx.clip();
    if (data.band) {
      var top = u.valToPos(data.band.max, "y", true), bottom = u.valToPos(data.band.min, "y", true);
      ctx.fillStyle = p["green-tint"];
      ctx.fillRect(box.left, top, box.width, bottom - top);
    }
    (data.spans || []).forEach(function (s) {
      var x0 = u.valToPos(s.from, "x", true), x1 = u.valToPos(s.to, "x", true);
      var w = Math.max(x1 - x0, ratio());
      if (s.kind === "gap") { hatch(ctx, x0, box.top, w, box.height, p["grey-mark"]); return; }
      ctx.globalAlpha = s.kind === "excluded" ? 0.9 : 0.75;
      ctx.fillStyle = s.kind === "excluded" ? p.sunken : p["red-tint"];
      ctx.fillRect(x0, box.top, w, box.height);
      ctx.globalAlpha = 1;
    });
    ctx.restore();
  }

  function inFront(u, data, p) {
    var ctx = u.ctx, box = u.bbox, r = ratio();
    ctx.save();
    ctx.font = 11 * r + "px " + p.font;
    var written = []; // labels that stand already
    var heights = (data.limits || []).map(function (l) { return u.valToPos(l.value, "y", true); });
    (data.limits || []).forEach(function (l, n) {
      var y = heights[n];
      if (y < box.top || y > box.top + box.height) return;
      ctx.strokeStyle = p["red-mark"]; ctx.lineWidth = r; ctx.setLineDash([5 * r, 4 * r]);
      ctx.beginPath(); ctx.moveTo(box.left, y); ctx.lineTo(box.left + box.width, y); ctx.stroke();
      if (!l.label) return;
      // On the left, where most charts are calm, and with an edge of its own:
      // above its line, or below it where another limit is close above. Beside
      // a label of nearly the same height, not on it.
      var close = function (o) { return o !== y && o > y - 17 * r && o < y; };
      var low = heights.some(close) && y + 16 * r < box.top + box.height ? y + 17 * r : y;
      var x = box.left + 2 * r, w = ctx.measureText(l.label).width + 6 * r;
      written.forEach(function (o) { if (Math.abs(o.y - low) < 15 * r) x = Math.max(x, o.end + 4 * r); });
      written.push({ y: low, end: x + w });
      ctx.setLineDash([]);
      ctx.textAlign = "left"; ctx.textBaseline = "bottom"; ctx.lineJoin = "round";
      ctx.strokeStyle = p.surface; ctx.lineWidth = 4 * r; // an edge, so that the line behind stays in sight
      ctx.strokeText(l.label, x + 3 * r, low - 3 * r);
      ctx.fillStyle = p.red;
      ctx.fillText(l.label, x + 3 * r, low - 3 * r);
    });
    var marks = (data.marks || []).map(function (m) { return { x: u.valToPos(m.t, "x", true), label: m.label, kind: m.kind }; })
      .filter(function (m) { return m.x >= box.left && m.x <= box.left + box.width; });
    var taken = box.left; // up to here something is written
    marks.forEach(function (m, n) {
      ctx.strokeStyle = p[m.kind + "-mark"] || p["grey-mark"]; ctx.lineWidth = r; ctx.setLineDash([]);
      ctx.beginPath(); ctx.moveTo(m.x, box.top); ctx.lineTo(m.x, box.top + box.height); ctx.stroke();
      // Right of its line; left of it where the next line or the edge would cut
      // it; lower where neither side has room.
      var w = ctx.measureText(m.label).width + 8 * r, end = box.left + box.width;
      var cut = m.x + w > end || n + 1 < marks.length && m.x + w > marks[n + 1].x;
      var left = cut && (m.x - w >= taken || m.x + w > end);
      var start = left ? m.x - w : m.x, low = start < taken;
      ctx.fillStyle = p[m.kind] || p.grey;
      ctx.textAlign = left ? "right" : "left"; ctx.textBaseline = "top";
      ctx.fillText(m.label, m.x + (left ? -4 : 4) * r, box.top + (low ? 16 : 2) * r);
      taken = Math.max(taken, start + w);
    });
    if (data.unit && !data.switch) {
      ctx.fillStyle = p.muted; ctx.textAlign = "right"; ctx.textBaseline = "bottom";
      ctx.fillText(data.unit, box.left - 5 * r, box.top - 6 * r); // above the numbers of its axis
    }
    ctx.restore();
  }

  // Strips above the plot: when a rule was in alarm. What only one side has is
  // amber on trial and hatched on the other.
  var laneHeight = 20;
  function lanesHeight(data) { return (data.lanes || []).length * laneHeight; }

  function lanes(u, data, p) {
    var ctx = u.ctx, box = u.bbox, r = ratio();
    (data.lanes || []).forEach(function (lane, n) {
      var y = (4 + n * laneHeight) * r, h = 12 * r;
      ctx.save();
      ctx.font = 11 * r + "px " + p.font;
      ctx.fillStyle = p.muted; ctx.textAlign = "right"; ctx.textBaseline = "middle";
      ctx.fillText(lane.name, box.left - 6 * r, y + h / 2);
      ctx.fillStyle = p.sunken; ctx.fillRect(box.left, y, box.width, h);
      ctx.beginPath(); ctx.rect(box.left, y, box.width, h); ctx.clip();
      lane.spans.forEach(function (s) {
        var x0 = u.valToPos(s.from, "x", true), w = Math.max(u.valToPos(s.to, "x", true) - x0, 3 * r);
        if (s.kind === "gone") { ctx.fillStyle = p["grey-tint"]; ctx.fillRect(x0, y, w, h); hatch(ctx, x0, y, w, h, p["grey-mark"]); return; }
        ctx.fillStyle = s.kind === "new" ? p["amber-mark"] : p["blue-mark"];
        ctx.fillRect(x0, y, w, h);
      });
      ctx.restore();
    });
  }

  function range(data) {
    return function (u, low, high) {
      var all = (data.limits || []).map(function (l) { return l.value; });
      if (data.band) all.push(data.band.min, data.band.max);
      if (low !== null && low !== undefined) all.push(low);
      if (high !== null && high !== undefined) all.push(high);
      if (!all.length) return [0, 1];
      var min = Math.min.apply(null, all), max = Math.max.apply(null, all);
      var room = (max - min) * 0.12 || Math.max(Math.abs(max) * 0.1, 1);
      if (data.switch) return [-0.15, 1.15];
      return [min - room, max + room];
    };
  }

  function tooltip(host, data) {
    var tip = document.createElement("div");
    tip.className = "chart-tip"; tip.hidden = true;
    host.appendChild(tip);
    return function (u) {
      var i = u.cursor.idx;
      if (i === null || i === undefined || u.cursor.left < 0) { tip.hidden = true; return; }
      var lines = [], y = null;
      data.series.forEach(function (s, n) {
        var v = u.data[u.shown[n]][i];
        if (v === null || v === undefined) return;
        var text = (data.series.length > 1 ? s.name + " " : "") + said(data, v) + (data.unit ? "\u202f" + data.unit : "");
        if (s.min) {
          var lo = u.data[u.shown[n] + 1][i], hi = u.data[u.shown[n] + 2][i];
          if (hi !== lo) text += " (" + number(lo) + " to " + number(hi) + ")";
        }
        lines.push(text);
        y = y === null ? u.valToPos(v, "y") : Math.min(y, u.valToPos(v, "y"));
      });
      if (!lines.length) { tip.hidden = true; return; }
      var t = u.data[0][i];
      (data.lanes || []).forEach(function (lane) {
        if (lane.spans.some(function (s) { return s.from <= t && t <= s.to; })) lines.push(lane.name + " in alarm");
      });
      tip.textContent = lines.join(", ") + " · " + day(t) + " " + clock(t);
      tip.hidden = false;
      var half = tip.offsetWidth / 2, x = u.over.offsetLeft + u.valToPos(t, "x");
      tip.style.left = Math.min(Math.max(x, half), host.clientWidth - half) + "px";
      tip.style.top = Math.max(y + u.over.offsetTop, tip.offsetHeight + 10) + "px";
    };
  }

  // Series with a spread are three lines: the average, and unseen below and
  // above it the lowest and highest, with the space between them filled.
  function layout(data, p) {
    var colours = [p["blue-mark"], p["violet-mark"], p["amber-mark"], p["green-mark"]];
    var tables = [], series = [{}], bands = [], shown = [];
    data.series.forEach(function (s, n) {
      var colour = colours[n % colours.length];
      shown.push(series.length);
      series.push({
        stroke: colour, width: 1.5, points: { show: s.t.length < 40, size: 4, fill: colour },
        paths: data.switch ? uPlot.paths.stepped({ align: 1 }) : undefined,
      });
      var table = [s.t, s.v];
      if (s.min) {
        series.push({ stroke: "transparent", width: 0, points: { show: false } }, { stroke: "transparent", width: 0, points: { show: false } });
        bands.push({ series: [shown[n] + 2, shown[n] + 1], fill: colour + "26" });
        table.push(s.min, s.max);
      }
      tables.push(table);
    });
    // 2: a null already in the data is a gap and stays one after joining.
    var modes = tables.map(function (t) { return t.map(function () { return 2; }); });
    return { table: tables.length > 1 ? uPlot.join(tables, modes) : tables[0], series: series, bands: bands, shown: shown };
  }

  function draw(host, data) {
    var p = palette();
    if (!data.series.some(function (s) { return s.t.length; })) {
      host.replaceChildren(Object.assign(document.createElement("p"), { className: "chart-msg", textContent: "No readings in this time." }));
      return null;
    }
    host.replaceChildren();
    var plan = layout(data, p);
    var move = tooltip(host, data);
    var axis = { stroke: p.muted, font: "11px " + p.font, grid: { stroke: p.line, width: 1 }, ticks: { show: false } };
    var u = new uPlot({
      width: host.clientWidth, height: host.clientHeight,
      padding: [20 + lanesHeight(data), 18, 0, 0], // the unit stands above the axis
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false }, points: { size: 7 } },
      scales: { x: { time: true, range: function (u, lo, hi) { return u.zoomed ? [lo, hi] : [data.from, data.to]; } }, y: { range: range(data) } },
      axes: [
        Object.assign({}, axis, { values: xLabels, grid: { show: false }, size: 36, space: 64 }),
        Object.assign({}, axis, {
          size: data.lanes && data.lanes.length ? 54 : 46, // the names of lanes stand there too
          space: host.clientHeight < 200 ? 24 : 30,
          splits: data.switch ? function () { return [0, 1]; } : undefined,
          values: function (u, ticks) { return ticks.map(function (v) { return data.switch ? (v === 0 ? "no" : v === 1 ? "yes" : "") : number(v); }); },
        }),
      ],
      series: plan.series, bands: plan.bands,
      hooks: {
        drawClear: [function (u) { behind(u, data, p); }],
        draw: [function (u) { inFront(u, data, p); lanes(u, data, p); }],
        setCursor: [function (u) { move(u); }],
        setSelect: [function (u) { u.zoomed = u.select.width > 0; }],
      },
    }, plan.table, host);
    u.shown = plan.shown;
    u.over.addEventListener("dblclick", function () { u.zoomed = false; u.setScale("x", { min: data.from, max: data.to }); });
    return u;
  }

  function show(host) {
    fetch(host.dataset.chart, { headers: { Accept: "application/json" } }).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      return answer.json();
    }).then(function (data) {
      var old = drawn.get(host);
      if (old && old.plot) old.plot.destroy();
      drawn.set(host, { data: data, plot: draw(host, data) });
      watcher.observe(host);
      host.dataset.drawn = "yes";
    }).catch(function () {
      if (!drawn.get(host)) host.replaceChildren(Object.assign(document.createElement("p"), { className: "chart-msg", textContent: "The chart could not be loaded." }));
    });
  }

  var watcher = new ResizeObserver(function (entries) {
    entries.forEach(function (e) {
      var kept = drawn.get(e.target);
      if (kept && kept.plot && e.contentRect.width > 0) kept.plot.setSize({ width: e.contentRect.width, height: e.contentRect.height });
    });
  });

  function scan() {
    drawn.forEach(function (kept, host) {
      if (document.contains(host)) return;
      if (kept.plot) kept.plot.destroy();
      watcher.unobserve(host);
      drawn.delete(host);
    });
    document.querySelectorAll("[data-chart]").forEach(function (host) { if (!drawn.has(host)) show(host); });
  }

  document.addEventListener("DOMContentLoaded", scan);
  document.addEventListener("htmx:afterSettle", scan);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
    drawn.forEach(function (kept, host) {
      if (kept.plot) kept.plot.destroy();
      kept.plot = draw(host, kept.data);
    });
  });
  setInterval(function () {
    if (document.hidden) return;
    drawn.forEach(function (kept, host) { if (host.dataset.every) show(host); });
  }, 30000);
})();
