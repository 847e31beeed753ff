// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Rules of WCAG 2.2 A and AA that a program can decide about a page's structure.
// Rules about what is rendered are in a11y_look.js. The Go test loads both into
// the page, hands in what Chromium's accessibility tree says about each element
// (audit.tree), and asks audit.run for what is wrong.
globalThis.audit = (() => {
  "use strict";
  const rules = [];
  let tree = {}; // number of an element → {role, name}
  let found;

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const words = (s) => (s ?? "").replace(/\s+/g, " ").trim();
  const text = (el) => words(el?.textContent);
  const seen = (el) => el.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const exposed = (el) => seen(el) && !el.closest('[aria-hidden="true"], [inert]');
  const ax = (el) => tree[el.dataset.audit] ?? { role: "", name: "" };
  const ids = (el, attribute) => words(el.getAttribute(attribute)).split(" ").filter(Boolean);
  const report = (el, says) => found.push({ path: path(el), says });

  const control = 'input:not([type="hidden"]), select, textarea, button, summary, [role="button"], [role="checkbox"], [role="switch"], [role="tab"], [role="menuitem"], [role="textbox"], [role="combobox"], [role="slider"]';
  const target = `a[href], area[href], ${control}`;
  const focusable = `${target}, [tabindex], [contenteditable="true"], audio[controls], video[controls]`;
  const tabbable = () => all(focusable).filter((el) => el.tabIndex >= 0 && !el.matches(":disabled") && !el.closest("[inert]") && seen(el));

  // path leads from the nearest ancestor with an id to the element.
  function path(el) {
    const steps = [];
    for (let e = el; e && e.nodeType === 1; e = e.parentElement) {
      if (e.id) {
        steps.unshift(`${e.localName}#${e.id}`);
        break;
      }
      const same = e.parentElement ? [...e.parentElement.children].filter((c) => c.localName === e.localName) : [e];
      steps.unshift(e.localName + (e.classList[0] ? `.${e.classList[0]}` : "") + (same.length > 1 ? `:nth-of-type(${same.indexOf(e) + 1})` : ""));
    }
    return steps.join(" > ");
  }

  // rule adds one: group says under which conditions the Go test runs it.
  function rule(id, criterion, group, find) {
    rules.push({ id, criterion, group, find });
  }
  const page = (id, criterion, find) => rule(id, criterion, "page", find);

  // The document

  const language = (tag) => {
    try {
      return Intl.getCanonicalLocales(tag).length === 1;
    } catch {
      return false;
    }
  };
  page("language", "3.1.1", () => {
    const root = document.documentElement;
    if (!root.lang || !language(root.lang)) report(root, `lang is "${root.lang}"`);
  });
  page("language-part", "3.1.2", () => {
    for (const el of all("body [lang]")) if (!language(el.lang)) report(el, `lang is "${el.lang}"`);
    for (const el of all('button[name="lang"], a[hreflang]')) {
      const leads = el.value || el.hreflang;
      if (el.closest("[lang]").lang.split("-")[0] !== leads.split("-")[0]) report(el, `a way to "${leads}" is marked as "${el.closest("[lang]").lang}"`);
    }
  });
  page("title", "2.4.2", () => {
    if (!words(document.title)) report(document.documentElement, "no title");
  });
  page("refresh", "2.2.1", () => {
    for (const el of all('meta[http-equiv="refresh" i]')) report(el, `the page changes by itself: ${el.content}`);
  });
  page("viewport", "1.4.4", () => {
    for (const el of all('meta[name="viewport"]')) {
      const largest = /maximum-scale\s*=\s*([\d.]+)/.exec(el.content);
      if (/user-scalable\s*=\s*(no|0)/.test(el.content) || (largest && Number(largest[1]) < 2)) report(el, `zoom is held back: ${el.content}`);
    }
  });
  page("moving", "2.2.2", () => {
    for (const el of all("marquee, blink, audio[autoplay], video[autoplay]")) report(el, "moves or sounds by itself");
  });

  // Headings and landmarks

  const headings = () => all('h1, h2, h3, h4, h5, h6, [role="heading"]').filter(exposed);
  const level = (el) => Number(el.getAttribute("aria-level") ?? el.localName[1]);
  page("h1", "1.3.1", () => {
    const tops = headings().filter((el) => level(el) === 1);
    if (tops.length !== 1) report(tops[1] ?? document.body, `${tops.length} headings of level 1`);
  });
  page("heading-order", "1.3.1", () => {
    let before;
    for (const el of headings()) {
      if (before && level(el) > before + 1) report(el, `level ${level(el)} after level ${before}: ${text(el)}`);
      before = level(el);
    }
  });
  page("heading-empty", "2.4.6", () => {
    for (const el of headings()) if (!ax(el).name) report(el, "an empty heading");
  });

  const landmarkRoles = ["banner", "navigation", "main", "contentinfo", "complementary", "region", "search", "form"];
  const landmarks = () => all("header, nav, main, footer, aside, section, search, form, [role]").filter((el) => exposed(el) && landmarkRoles.includes(ax(el).role) && (ax(el).role !== "form" || ax(el).name)); // HTML-AAM: a form is a landmark by its name
  page("landmarks", "1.3.1", () => {
    for (const role of ["banner", "main", "contentinfo"]) {
      const these = landmarks().filter((el) => ax(el).role === role);
      if (these.length !== 1) report(these[1] ?? document.body, `${these.length} landmarks ${role}`);
    }
    for (const el of all("header.site ul, body > header ul")) if (!el.closest('nav, [role="navigation"], form')) report(el, "the list of pages is no landmark navigation");
  });
  page("landmark-name", "1.3.1", () => {
    const by = Map.groupBy(landmarks(), (el) => ax(el).role);
    for (const [role, these] of by) {
      if (these.length < 2) continue;
      const names = these.map((el) => ax(el).name);
      these.forEach((el, i) => {
        if (!names[i]) report(el, `one of ${these.length} landmarks ${role} has no name`);
        else if (names.indexOf(names[i]) < i) report(el, `two landmarks ${role} are named "${names[i]}"`);
      });
    }
  });
  page("region", "1.3.1", () => {
    const told = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const el = texts.currentNode.parentElement;
      if (!words(texts.currentNode.data) || told.has(el) || !exposed(el) || el.closest('script, style, dialog, a[href^="#"]')) continue;
      told.add(el);
      let e = el;
      while (e && !landmarkRoles.includes(ax(e).role)) e = e.parentElement;
      if (!e) report(el, `text outside of every landmark: ${text(el)}`);
    }
  });
  page("skip-link", "2.4.1", () => {
    const first = tabbable()[0];
    const to = first?.matches('a[href^="#"]') && document.getElementById(first.hash.slice(1));
    if (!to) report(first ?? document.body, "the first stop of the Tab key is no link past the header");
    else if (!to.matches("main, main *") || to.matches(":not([tabindex])")) report(to, "the skip link leads to what cannot take the focus in main");
  });

  // Names

  page("name", "4.1.2", () => {
    for (const el of all(`${control}, [tabindex="0"]`)) if (exposed(el) && !ax(el).name) report(el, `a ${ax(el).role || el.localName} without a name`);
  });
  page("link-name", "2.4.4", () => {
    for (const el of all("a[href], area[href]")) if (exposed(el) && !ax(el).name) report(el, "a link without a name");
  });
  page("label", "3.3.2", () => {
    for (const el of all('input:not([type="hidden"], [type="submit"], [type="button"], [type="reset"], [type="image"]), select, textarea')) {
      const labelled = [...(el.labels ?? [])].some((l) => text(l)) || el.ariaLabel || ids(el, "aria-labelledby").some((id) => text(document.getElementById(id)));
      if (exposed(el) && !labelled) report(el, "a field without a label");
    }
  });
  page("label-in-name", "2.5.3", () => {
    for (const el of all(`:is(${target})[aria-label], :is(${target})[aria-labelledby]`)) {
      const shown = words(el.innerText).toLowerCase();
      if (exposed(el) && shown && !words(ax(el).name).toLowerCase().includes(shown)) report(el, `"${shown}" is read as "${ax(el).name}"`);
    }
  });
  // Alike names for unlike things are understood from the item, row, paragraph
  // or form around them (WCAG: programmatically determined context), or from the
  // heading before them.
  const around = (el) => {
    for (let near = el.parentElement; near; near = near.parentElement) {
      if (near.matches("li, tr, p, dd, figure, fieldset, article, dialog") && text(near) !== text(el)) return text(near);
    }
    const before = headings().findLast((h) => h.compareDocumentPosition(el) & Node.DOCUMENT_POSITION_FOLLOWING);
    return before ? path(before) : "";
  };
  page("same-name", "2.4.4", () => {
    const known = new Map();
    for (const el of all('a[href], button, input[type="submit"], input[type="checkbox"], input[type="radio"]')) {
      if (!exposed(el)) continue;
      const does = el.href ?? [el.form?.action, el.name, el.value, el.dataset.copy].join(" ");
      const key = [ax(el).role, ax(el).name, around(el)].join("\n");
      if (known.has(key) && known.get(key) !== does) report(el, `"${ax(el).name}" does different things here`);
      known.set(key, does);
    }
  });
  page("image", "1.1.1", () => {
    for (const el of all('img, svg, canvas, object, [role="img"], input[type="image"]')) {
      if (!exposed(el) || el.parentElement.closest("svg")) continue;
      if (el.matches("img[alt='']")) continue;
      if (el.localName === "svg" && el.getAttribute("role") !== "img") report(el, 'a drawing that is neither hidden nor role="img"');
      else if (!ax(el).name) report(el, "an image without a text");
    }
  });
  page("frame", "4.1.2", () => {
    for (const el of all("iframe, frame")) if (exposed(el) && !words(el.title)) report(el, "a frame without a title");
  });

  // Forms

  page("error", "3.3.1", () => {
    const described = new Set(all("[aria-describedby], [aria-errormessage]").flatMap((el) => [...ids(el, "aria-describedby"), ...ids(el, "aria-errormessage")]));
    for (const el of all('[aria-invalid]:not([aria-invalid="false"])')) {
      const why = [...ids(el, "aria-describedby"), ...ids(el, "aria-errormessage")].map((id) => document.getElementById(id));
      if (!why.some((w) => w && seen(w) && text(w))) report(el, "refused without a reason that belongs to it");
    }
    for (const el of all(".field-error[id]")) if (!described.has(el.id)) report(el, "a reason that belongs to no field");
    for (const el of all('[role="alert"] a[href^="#"]')) {
      if (!document.getElementById(el.hash.slice(1))?.matches(focusable)) report(el, `leads to no field: ${el.getAttribute("href")}`);
    }
  });
  page("required", "3.3.2", () => {
    for (const el of all("[required], [aria-required='true']")) {
      const says = [...(el.labels ?? [])].map(text).join(" ") + text(el.closest("fieldset")?.querySelector("legend"));
      if (exposed(el) && !/必須|required|\*/i.test(says)) report(el, "nothing says that it must be filled in");
    }
  });
  page("group", "1.3.1", () => {
    const by = Map.groupBy(all('input[type="radio"], input[type="checkbox"]').filter(exposed), (el) => [el.type, el.form && path(el.form), el.name].join(" "));
    for (const these of by.values()) {
      const box = these[0].closest('fieldset, [role="group"], [role="radiogroup"]');
      if (these.length < 2 || (box && ax(box).name && (these[0].type === "checkbox" || these.every((el) => box.contains(el))))) continue;
      report(these[0], `${these.length} choices "${these[0].name}" without a fieldset and its legend`);
    }
  });
  const fields = new Set("off on name honorific-prefix given-name additional-name family-name honorific-suffix nickname organization-title username new-password current-password one-time-code organization street-address address-line1 address-line2 address-line3 address-level4 address-level3 address-level2 address-level1 country country-name postal-code cc-name cc-given-name cc-additional-name cc-family-name cc-number cc-exp cc-exp-month cc-exp-year cc-csc cc-type transaction-currency transaction-amount language bday bday-day bday-month bday-year sex url photo tel tel-country-code tel-national tel-area-code tel-local tel-local-prefix tel-local-suffix tel-extension email impp".split(" "));
  page("autocomplete", "1.3.5", () => {
    for (const el of all("input[autocomplete], textarea[autocomplete], select[autocomplete]")) {
      const last = ids(el, "autocomplete").filter((token) => token !== "webauthn").pop();
      if (!fields.has(last)) report(el, `autocomplete="${el.getAttribute("autocomplete")}"`);
    }
    for (const el of all('input[type="email"], input[type="tel"], input[type="password"]')) if (!el.hasAttribute("autocomplete")) report(el, "does not say what is filled in");
  });

  // Tables and lists

  page("table", "1.3.1", () => {
    for (const table of all('table:not([role="presentation"], [role="none"])').filter(exposed)) {
      const heads = all("th", table);
      if (heads.length === 0) report(table, "a table without headers");
      for (const th of heads) {
        if (!["col", "row", "colgroup", "rowgroup"].includes(th.getAttribute("scope"))) report(th, "a header without scope");
        if (!text(th)) report(th, "an empty header");
      }
      if (!ax(table).name) report(table, "a table without caption or label");
    }
  });
  page("list", "1.3.1", () => {
    const wrong = (list, allowed) => [...list.children].find((el) => !el.matches(allowed));
    for (const [list, allowed] of [["ul, ol, menu", "li, script, template"], ["dl", "dt, dd, div, script, template"]]) {
      for (const el of all(list)) if (wrong(el, allowed)) report(wrong(el, allowed), "is not part of the list around it");
    }
    for (const el of all("li")) if (!el.parentElement.matches("ul, ol, menu")) report(el, "an item without a list");
    for (const el of all("dt, dd")) if (!el.closest("dl")) report(el, "a term without a list");
  });

  // ARIA and markup

  page("duplicate-id", "4.1.2", () => {
    const known = new Set();
    for (const el of all("[id]")) {
      if (known.has(el.id)) report(el, `the id "${el.id}" is there twice`);
      known.add(el.id);
    }
  });
  const roles = new Set("alert alertdialog application article banner button cell checkbox columnheader combobox complementary contentinfo definition dialog directory document feed figure form grid gridcell group heading img link list listbox listitem log main marquee math menu menubar menuitem menuitemcheckbox menuitemradio meter navigation none note option presentation progressbar radio radiogroup region row rowgroup rowheader scrollbar search searchbox separator slider spinbutton status switch tab table tablist tabpanel term textbox time timer toolbar tooltip tree treegrid treeitem".split(" "));
  const within = { tab: "tablist", option: "listbox", treeitem: "tree", menuitem: "menu", row: "table", cell: "row", gridcell: "row", listitem: "list" };
  page("role", "4.1.2", () => {
    for (const el of all("[role]")) {
      const role = el.getAttribute("role");
      if (!role.split(" ").every((r) => roles.has(r))) report(el, `role="${role}"`);
      else if (within[role] && !el.closest(`[role="${within[role]}"], [role="${role}"] ul`)) report(el, `role="${role}" outside of ${within[role]}`);
    }
  });
  const truth = /^(true|false)$/;
  const number = /^-?\d+(\.\d+)?$/;
  const anything = /./;
  const idList = "ids";
  const aria = {
    activedescendant: idList, atomic: truth, autocomplete: /^(none|inline|list|both)$/, busy: truth, checked: /^(true|false|mixed)$/, colcount: number, colindex: number, colspan: number,
    controls: idList, current: /^(page|step|location|date|time|true|false)$/, describedby: idList, description: anything, details: idList, disabled: truth, errormessage: idList, expanded: truth,
    flowto: idList, haspopup: /^(true|false|menu|listbox|tree|grid|dialog)$/, hidden: truth, invalid: /^(true|false|grammar|spelling)$/, keyshortcuts: anything, label: anything, labelledby: idList,
    level: number, live: /^(off|polite|assertive)$/, modal: truth, multiline: truth, multiselectable: truth, orientation: /^(horizontal|vertical)$/, owns: idList, placeholder: anything, posinset: number,
    pressed: /^(true|false|mixed)$/, readonly: truth, relevant: anything, required: truth, roledescription: anything, rowcount: number, rowindex: number, rowspan: number, selected: truth, setsize: number,
    sort: /^(none|ascending|descending|other)$/, valuemax: number, valuemin: number, valuenow: number, valuetext: anything,
  };
  page("aria", "4.1.2", () => {
    for (const el of all("*")) {
      for (const { name, value } of el.attributes) {
        if (!name.startsWith("aria-")) continue;
        const kind = aria[name.slice(5)];
        if (!kind) report(el, `no such attribute: ${name}`);
        else if (kind === idList) {
          for (const id of ids(el, name)) if (!document.getElementById(id)) report(el, `${name} leads to "${id}", which is not there`);
          if (ids(el, name).length === 0) report(el, `${name} is empty`);
        } else if (!kind.test(value)) report(el, `${name}="${value}"`);
      }
    }
    // A name on what has no role is not read.
    for (const el of all("div[aria-label]:not([role]), span[aria-label]:not([role]), p[aria-label], div[aria-labelledby]:not([role]), span[aria-labelledby]:not([role])")) report(el, "a name on what has no role");
  });
  page("hidden-focus", "4.1.2", () => {
    for (const el of tabbable()) if (el.closest('[aria-hidden="true"]')) report(el, "takes the focus though it is hidden from screen readers");
  });
  page("nested", "4.1.2", () => {
    for (const el of all(`:is(a[href], button, summary, [role="button"]) :is(${focusable})`)) report(el, "a control inside of a control");
  });

  // Keyboard

  page("tabindex", "2.4.3", () => {
    for (const el of all("[tabindex]")) if (el.tabIndex > 0) report(el, `tabindex="${el.tabIndex}"`);
  });
  page("clickable", "2.1.1", () => {
    for (const el of all("body *")) {
      const clicks = el.onclick || el.hasAttribute("onclick") || (getComputedStyle(el).cursor === "pointer" && getComputedStyle(el.parentElement).cursor !== "pointer");
      if (!clicks || !exposed(el) || el.closest(`${target}, [tabindex="0"]`) || el.matches(":disabled") || (el.closest("label")?.control && !el.onclick)) continue;
      report(el, "reacts to the mouse and not to the keyboard");
    }
  });

  return {
    rule, all, words, text, seen, exposed, ax, report, path, control, target, tabbable,
    rules: () => rules.map(({ id, criterion, group }) => ({ id, criterion, group })),

    // number opens what is folded and numbers the elements for the tree.
    number() {
      for (const el of all("details")) el.open = true;
      all("*").forEach((el, i) => {
        el.dataset.audit = i;
      });
    },
    tree(of) {
      tree = of;
    },
    run(group) {
      const wrong = [];
      for (const r of rules) {
        if (r.group !== group) continue;
        found = [];
        r.find();
        for (const f of found) wrong.push({ rule: r.id, criterion: r.criterion, ...f });
      }
      return wrong;
    },
  };
})();
