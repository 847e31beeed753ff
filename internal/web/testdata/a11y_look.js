// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Rules of WCAG 2.2 A and AA about what is rendered: colours, sizes, focus.
(() => {
  "use strict";
  const { rule, all, words, seen, exposed, report, path, target, tabbable } = audit;
  const look = (id, criterion, find) => rule(id, criterion, "look", find);

  // Colours

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parsed = new Map();
  const clear = [0, 0, 0, 0];

  // rgba reads any CSS colour as red, green, blue (0 to 255) and alpha (0 to 1).
  function rgba(css) {
    if (!parsed.has(css)) {
      const plain = /^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/.exec(css);
      if (plain) parsed.set(css, [+plain[1], +plain[2], +plain[3], +(plain[4] ?? 1)]);
      else {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = "transparent";
        canvas.fillStyle = css;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        parsed.set(css, [r, g, b, a / 255]);
      }
    }
    return parsed.get(css);
  }
  const over = (top, below) => {
    const a = top[3] + below[3] * (1 - top[3]);
    if (a === 0) return [0, 0, 0, 0];
    return [0, 1, 2].map((i) => (top[i] * top[3] + below[i] * below[3] * (1 - top[3])) / a).concat(a);
  };
  const faded = (colour, by) => [colour[0], colour[1], colour[2], colour[3] * by];
  const ground = () => {
    const probe = document.createElement("i");
    probe.style.backgroundColor = "Canvas";
    document.body.append(probe);
    const colour = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return rgba(colour);
  };
  let paper;
  let styles;

  // begin forgets what was read before the page changed.
  function begin() {
    styles = new Map();
    paper = ground();
  }
  function paint(el) {
    if (!styles.has(el)) {
      const s = getComputedStyle(el);
      styles.set(el, {
        ground: el.ownerSVGElement ? clear : rgba(s.backgroundColor), image: !el.ownerSVGElement && s.backgroundImage !== "none", opacity: Number(s.opacity),
        hides: s.clipPath === "inset(50%)" || (s.overflow !== "visible" && s.display !== "inline" && el.clientWidth <= 1 && el.clientHeight <= 1),
      });
    }
    return styles.get(el);
  }

  // screen is the colour that reaches the eye where el paints front: with the
  // grounds and the opacity of everything around it. It is undefined where an
  // image lies behind.
  function screen(el, front) {
    let colour = front;
    for (let e = el; e; e = e.parentElement) {
      const layer = paint(e);
      if (layer.image && colour[3] < 1 && layer.ground[3] < 1) return undefined;
      colour = faded(over(colour, layer.ground), layer.opacity);
    }
    return over(colour, paper);
  }
  const luminance = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const v = c[i] / 255;
    return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  }, 0);
  function contrast(a, b) {
    const [la, lb] = [luminance(a), luminance(b)];
    return (Math.max(la, lb) + 0.05) / (Math.min(la, lb) + 0.05);
  }
  const hex = (c) => "#" + c.slice(0, 3).map((v) => Math.round(v).toString(16).padStart(2, "0")).join("");

  // beneath is what the drawing has painted under the middle of one of its texts.
  function beneath(text) {
    const box = text.getBoundingClientRect();
    let colour = clear;
    for (const shape of all("rect, circle, path, polygon", text.ownerSVGElement)) {
      if (text.compareDocumentPosition(shape) & Node.DOCUMENT_POSITION_FOLLOWING || shape.closest("defs")) continue;
      const at = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2).matrixTransform(shape.getScreenCTM()?.inverse());
      const style = getComputedStyle(shape);
      if (style.fill.startsWith("rgb") && shape.isPointInFill(at)) colour = over(faded(rgba(style.fill), Number(style.fillOpacity)), colour);
    }
    return colour;
  }
  const unseen = (el) => {
    for (let e = el; e && e !== document.body; e = e.parentElement) if (paint(e).hides) return true;
    return false;
  };
  const disabled = (el) => el.closest(":disabled, [aria-disabled='true']") || el.closest("label")?.control?.matches(":disabled");

  function readable(el, css, what, under = clear) {
    const style = getComputedStyle(el);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const behind = screen(el, under);
    const front = screen(el, over(rgba(css), under));
    if (!behind || !front) return report(el, "text before an image");
    const ratio = contrast(front, behind);
    if (ratio < least - 0.005) report(el, `${ratio.toFixed(2)}:1, at least ${least}:1: ${hex(front)} on ${hex(behind)}, ${what}`);
  }
  function texts(root, visit) {
    const told = new Set();
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const el = walk.currentNode.parentElement;
      if (!words(walk.currentNode.data) || told.has(el) || el.closest("script, style, noscript, option, title, desc") || !el.checkVisibility({ visibilityProperty: true }) || disabled(el) || unseen(el)) continue;
      told.add(el);
      visit(el, words(walk.currentNode.data).slice(0, 40));
    }
  }
  function legible(root) {
    texts(root, (el, says) => {
      const style = getComputedStyle(el);
      if (el.ownerSVGElement) readable(el, style.fill, says, beneath(el));
      else if (!el.matches("textarea")) readable(el, style.color, says);
    });
  }
  look("contrast", "1.4.3", () => {
    begin();
    legible(document.body);
    for (const el of all('input:not([type="hidden"], [type="checkbox"], [type="radio"], [type="range"]), select, textarea')) {
      if (!seen(el) || disabled(el)) continue;
      readable(el, getComputedStyle(el).color, "what is filled in");
      if (el.placeholder) readable(el, getComputedStyle(el, "::placeholder").color, `placeholder ${el.placeholder}`);
    }
  });
  look("link-in-text", "1.4.1", () => {
    begin();
    for (const el of all("p a[href], li a[href], dd a[href]")) {
      const style = getComputedStyle(el);
      const block = el.closest("p, li, dd");
      if (!seen(el) || style.display !== "inline" || style.textDecorationLine !== "none" || words(block.textContent) === words(el.textContent)) continue;
      const ratio = contrast(screen(el, rgba(style.color)), screen(block, rgba(getComputedStyle(block).color)));
      if (ratio < 3 && style.fontWeight === getComputedStyle(block).fontWeight) report(el, "a link in a text, told apart by nothing but its colour");
    }
  });

  // Edges of fields, drawings that stand for words, marks in charts: 3:1.
  look("edge", "1.4.11", () => {
    begin();
    for (const el of all('input:not([type="hidden"]), select, textarea')) {
      const style = getComputedStyle(el);
      const own = el.matches('[type="checkbox"], [type="radio"], [type="range"]') && style.appearance === "auto"; // drawn by the browser
      if (!seen(el) || disabled(el) || own) continue;
      const outside = screen(el.parentElement, clear);
      const edge = parseFloat(style.borderBottomWidth) > 0 && style.borderBottomStyle !== "none" ? screen(el.parentElement, rgba(style.borderBottomColor)) : outside;
      const best = Math.max(contrast(edge, outside), contrast(screen(el, clear), outside));
      if (best < 3) report(el, `its edge has ${best.toFixed(2)}:1: ${hex(edge)} on ${hex(outside)}`);
    }
    for (const shape of all(":is(a, button, summary) svg :is(path, circle, rect, line, use), svg[role='img'] :is(path, circle, rect, line, polyline, polygon, use)")) {
      const holder = shape.closest("a, button, summary");
      const drawing = shape.closest("svg[role='img']");
      if (!seen(shape) || shape.closest("defs, pattern, clipPath") || disabled(shape) || (!drawing && words(holder.innerText))) continue;
      if (shape.matches(".grid, .hatch, .hatch *, .base") || [...shape.classList].includes("hatch")) continue; // helps the eye, says nothing
      const style = getComputedStyle(shape);
      const paints = [[style.fill, style.fillOpacity], [style.stroke, style.strokeOpacity]].filter(([css]) => css.startsWith("rgb"));
      if (paints.length === 0) continue;
      const behind = screen(shape.parentElement, clear);
      const best = Math.max(...paints.map(([css, opacity]) => contrast(screen(shape, faded(rgba(css), Number(opacity))), behind)));
      if (best < 3) report(shape, `a mark of ${best.toFixed(2)}:1 on ${hex(behind)}`);
    }
  });

  // Sizes

  const centre = (r) => [r.x + r.width / 2, r.y + r.height / 2];
  const inSentence = (el) => {
    if (getComputedStyle(el).display !== "inline") return false;
    let block = el.parentElement;
    while (getComputedStyle(block).display === "inline") block = block.parentElement;
    const rest = block.cloneNode(true);
    all("a, button, summary, svg, .unseen", rest).forEach((e) => e.remove());
    return /[\p{L}\p{N}]/u.test(rest.textContent);
  };
  const layer = (el) => {
    for (let e = el; e; e = e.parentElement) if (/absolute|fixed/.test(getComputedStyle(e).position)) return e;
    return null;
  };
  look("target-size", "2.5.8", () => {
    begin();
    const targets = all(`${target}, label`).filter((el) => seen(el) && !disabled(el) && !unseen(el) && (el.localName !== "label" || el.querySelector("input")) && !(el.matches("input") && el.closest("label")));
    const boxes = targets.map((el) => [...el.getClientRects()].sort((a, b) => b.width * b.height - a.width * a.height)[0] ?? el.getBoundingClientRect());
    const small = (r) => r.width < 23.99 || r.height < 23.99;
    targets.forEach((el, i) => {
      const r = boxes[i];
      if (!small(r) || inSentence(el)) return;
      const [x, y] = centre(r);
      const on = layer(el);
      const near = targets.find((other, j) => {
        if (i === j || layer(other) !== on || // a menu that lies over the page is used alone
           el.contains(other) || other.contains(el)) return false;
        const o = boxes[j];
        const dx = Math.max(o.left - x, 0, x - o.right), dy = Math.max(o.top - y, 0, y - o.bottom);
        const [ox, oy] = centre(o);
        return Math.hypot(dx, dy) < 12 || (small(o) && Math.hypot(ox - x, oy - y) < 24);
      });
      if (near) report(el, `${r.width.toFixed(1)} × ${r.height.toFixed(1)} px, too near to ${path(near)}`);
    });
  });
  const scrolls = (el) => {
    const style = getComputedStyle(el);
    return (/(auto|scroll)/.test(style.overflowX) && el.scrollWidth > el.clientWidth + 1) || (/(auto|scroll)/.test(style.overflowY) && el.scrollHeight > el.clientHeight + 1);
  };
  look("scrollable", "2.1.1", () => {
    const stops = tabbable();
    for (const el of all("body *")) {
      if (!el.matches("textarea, select, input") && seen(el) && scrolls(el) && !stops.some((s) => el.contains(s))) report(el, "cannot be scrolled with the keyboard");
    }
  });

  // Texts that are cut off, now. What is scrolled is not.
  const cut = () => all("body *").filter((el) => {
    if (el.ownerSVGElement || !seen(el) || unseen(el) || !words(el.textContent) || el.matches("select, option, input, textarea")) return false;
    const style = getComputedStyle(el);
    const x = /(hidden|clip)/.test(style.overflowX) && el.scrollWidth > el.clientWidth + 1;
    const y = /(hidden|clip)/.test(style.overflowY) && el.scrollHeight > el.clientHeight + 1;
    return style.display !== "inline" && el.clientWidth > 1 && (x || y);
  });
  const wide = () => {
    begin();
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return;
    const outermost = all("body *").find((el) => seen(el) && !unseen(el) && el.getBoundingClientRect().right > root.clientWidth + 1 && !el.closest(".scroll *"));
    report(outermost ?? root, `the page is ${root.scrollWidth} px wide in a window of ${root.clientWidth}`);
  };
  rule("reflow", "1.4.10", "reflow", wide);
  rule("zoom", "1.4.4", "zoom", () => {
    wide();
    for (const el of cut()) report(el, `cut off: ${words(el.textContent).slice(0, 40)}`);
  });
  rule("spacing", "1.4.12", "spacing", () => {
    begin();
    const before = new Set(cut());
    const sheet = new CSSStyleSheet(); // a sheet of the reader's, which the page's policy does not hold back
    sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-block-end: 2em !important }");
    document.adoptedStyleSheets = [sheet];
    begin();
    for (const el of cut()) if (!before.has(el)) report(el, `cut off: ${words(el.textContent).slice(0, 40)}`);
    wide();
    document.adoptedStyleSheets = [];
  });
  rule("motion", "2.3.3", "motion", () => {
    for (const el of all("*")) {
      const style = getComputedStyle(el);
      if (style.animationName !== "none" && parseFloat(style.animationDuration) > 0.01) report(el, `moves: ${style.animationName}`);
      if (style.transitionDuration.split(",").some((d) => parseFloat(d) > 0.01)) report(el, `moves: ${style.transitionProperty}`);
      if (style.scrollBehavior === "smooth") report(el, "scrolls smoothly");
    }
  });

  // Focus

  const mark = (el) => {
    const s = getComputedStyle(el);
    const outline = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 ? s.outlineColor : "";
    return { outline, shadow: s.boxShadow, border: `${s.borderBottomColor} ${s.borderBottomWidth}`, ground: s.backgroundColor };
  };
  const colourIn = (css) => /(?:rgba?|color|oklch|oklab|lab|lch)\([^)]*\)/.exec(css)?.[0];
  rule("focus-visible", "2.4.7", "focus", () => {
    begin();
    for (const el of tabbable()) {
      document.activeElement.blur();
      const before = mark(el);
      el.focus({ focusVisible: true, preventScroll: true });
      if (document.activeElement !== el) continue;
      const after = mark(el);
      const outside = screen(el.parentElement, clear);
      const shown = [];
      if (after.outline && after.outline !== before.outline) shown.push(after.outline);
      if (after.shadow !== before.shadow) shown.push(colourIn(after.shadow));
      if (after.border !== before.border) shown.push(colourIn(after.border));
      if (after.ground !== before.ground) shown.push(after.ground);
      const best = Math.max(0, ...shown.filter(Boolean).map((css) => contrast(screen(el.parentElement, rgba(css)), outside)));
      if (best < 3) report(el, shown.length ? `the focus is seen with ${best.toFixed(2)}:1` : "nothing shows the focus");
    }
    document.activeElement.blur();
  });
  rule("focus-contrast", "1.4.3", "focus", () => {
    begin();
    for (const el of tabbable()) {
      if (!el.matches("a, button, summary")) continue;
      el.focus({ focusVisible: true, preventScroll: true });
      for (const e of [el, ...all("*", el)]) styles.delete(e);
      legible(el);
    }
    document.activeElement.blur();
  });

  audit.walkRules = ["keyboard", "keyboard-trap", "focus-covered", "focus-order", "focus-changes"];
  // What the Tab key does is done by the Go test; audit.steps listens.
  // A stop is written down with where it is and whether it is covered.
  audit.steps = () => {
    const stops = [];
    addEventListener("focusin", ({ target: el }) => {
      const r = el.getBoundingClientRect();
      let down = scrollY; // where it is when nothing is scrolled
      for (let e = el.parentElement; e && e !== document.documentElement; e = e.parentElement) down += e.scrollTop;
      stops.push({ el, top: r.top + down, bottom: r.bottom + down, left: r.left, right: r.right });
    });
    return stops;
  };
  // settled looks, after the page has scrolled, whether the last stop is covered.
  audit.settled = (stops) => {
    const last = stops.at(-1);
    if (!last) return false;
    const r = last.el.getBoundingClientRect();
    const at = document.elementFromPoint(...centre(r));
    last.covered = r.width > 2 && at && !at.contains(last.el) && !last.el.contains(at) && !at.closest("label")?.contains(last.el) && stuck(at) && !(stuck(last.el));
    return stops.length > 1 && last.el === stops[0].el;
  };
  const stuck = (el) => {
    for (let e = el; e; e = e.parentElement) if (/fixed|sticky/.test(getComputedStyle(e).position)) return true;
    return false;
  };
  // walked judges the stops that audit.steps has seen, against what can be reached.
  audit.walked = (stops) => {
    const wrong = [];
    const say = (rule, criterion, el, says) => wrong.push({ rule, criterion, path: path(el), says });
    const reached = new Set(stops.map((s) => s.el));
    const chosen = new Set([...reached].filter((el) => el.type === "radio").map((el) => el.name));
    for (const el of tabbable()) {
      if (!reached.has(el) && !(el.type === "radio" && chosen.has(el.name))) say("keyboard", "2.1.1", el, "the Tab key does not come here");
    }
    const first = stops.findIndex((s, i) => i > 0 && s.el === stops[0].el);
    if (first < 0) say("keyboard-trap", "2.1.2", stops.at(-1)?.el ?? document.body, `the Tab key does not come round; it was here after ${stops.length} steps`);
    const round = stops.slice(0, first < 0 ? undefined : first);
    round.forEach((s, i) => {
      if (s.covered) say("focus-covered", "2.4.11", s.el, "lies under something that does not scroll");
      const before = round[i - 1];
      const part = (el) => el.closest("header, nav, main, footer, aside, dialog");
      if (before && part(before.el) === part(s.el) && s.bottom <= before.top && s.left < before.right) say("focus-order", "2.4.3", s.el, `comes after ${path(before.el)}, which is below it`);
    });
    return wrong;
  };
})();
