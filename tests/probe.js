// What test_book_widgets.py asks of a widget, whatever it shows. It runs before the scripts of the page.
(() => {
  const OPERABLE = "button, input, select, textarea, summary, a[href], [tabindex='0']";
  const NATIVE = "button, input, select, textarea, summary, a";
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  const controls = (card) => [...card.querySelectorAll(OPERABLE)].filter((one) => seen(one) && !one.disabled && one.getBoundingClientRect().height > 0);
  const kind = (one) => {
    if (one.matches("a, textarea, pre, [role=region]")) return "text"; // is read or followed, and draws nothing
    if (one.matches("select, input[type=range]")) return one.type === "range" ? "range" : "select";
    return one.matches(".handle") ? "handle" : one.matches("[role=application], [role=slider]") ? "chart" : "button";
  };
  // A control's own part of the card, whose change proves nothing: a slider shows its value though it be cut off.
  const ownPart = (control) => (control?.matches("input, select") ? control.closest("label") ?? control : null);

  /** All that the card shows beside the control's own part: words, drawings, what other fields stand at. */
  const shown = (card, control) => {
    const own = ownPart(control), parts = [];
    const walk = (node) => {
      if (node === own || node.nodeName === "STYLE") return;
      if (node.nodeType === Node.TEXT_NODE) return parts.push(node.data);
      if (node.nodeType !== Node.ELEMENT_NODE || !seen(node)) return;
      if (node.nodeName === "svg") return parts.push(node.outerHTML);
      if (node.matches("canvas")) parts.push(node.toDataURL());
      if (node.matches("input, select, textarea")) parts.push(node.value);
      node.childNodes.forEach(walk);
    };
    walk(card);
    return parts.join("\n");
  };

  let before = "";
  window.probe = {
    controls,
    /** Wait until the card stands still, and nothing trains in it. */
    async still(card) {
      for (let i = 0; i < 300; i++) {
        const now = shown(card, null);
        await pause(100);
        if (card.ariaBusy !== "true" && shown(card, null) === now) return;
      }
      throw new Error("the picture never stands still");
    },
    /** Mark the next control that was not operated yet; one that is drawn anew counts as operated. What is it? */
    async next(card) {
      await probe.still(card);
      const done = (card.probed ??= { elements: new WeakSet(), names: new Set() });
      const nameOf = (one) => `${kind(one)} ${one.getAttribute("aria-label") ?? one.closest("label")?.textContent ?? one.textContent}`;
      const control = controls(card).find((one) => kind(one) !== "text" && !done.elements.has(one)
        && (kind(one) === "chart" || !done.names.has(nameOf(one))));
      if (!control) return null;
      const name = nameOf(control);
      done.elements.add(control);
      done.names.add(name);
      document.querySelectorAll("[data-probe]").forEach((one) => delete one.dataset.probe);
      control.dataset.probe = "this";
      before = shown(card, control);
      return { name: name.replace(/\s+/g, " ").slice(0, 80), kind: kind(control), toggles: control.matches("[aria-pressed], [role=switch]") };
    },
    /** Whether the card comes to look otherwise than when `next` was called, within five seconds. */
    async changed(card) {
      for (let i = 0; i < 200; i++) {
        const control = card.querySelector("[data-probe]"); // gone where the picture was drawn anew with it
        if (shown(card, control) !== before) return true;
        await pause(25);
      }
      return false;
    },
    /** A point of the window where a pointer meets the control, as near as may be to this share of its size. */
    spot(control, share) {
      const { x, y, width, height } = control.getBoundingClientRect(), parts = [0, 0.1, -0.1, 0.2, -0.2, 0.3, -0.3, 0.4, -0.4, 0.48, -0.48];
      for (const down of parts) for (const along of parts) {
        const [px, py] = [x + width * (share + along), y + height * (share + down)];
        if (control.contains(document.elementFromPoint(px, py))) return [px, py];
      }
      throw new Error(`a pointer does not meet ${control.outerHTML.slice(0, 200)}`);
    },
    look: (card) => shown(card, null),
    /** Controls and words that are cut off or stand out of the card, except in what scrolls. */
    cut(card) {
      const { left, right } = card.getBoundingClientRect();
      const all = [...controls(card), ...card.querySelectorAll("svg text, p, figcaption, label, svg")].filter(seen);
      return all.filter((one) => !one.parentElement.closest(".scroll, pre, [role=region]")).filter((one) => {
        const box = one.getBoundingClientRect();
        return box.left < left - 1 || box.right > right + 1 || (one.matches("button") && one.scrollWidth > one.clientWidth + 1);
      }).map((one) => `${one.nodeName} ${one.textContent.slice(0, 60)}`);
    },
    /** Pictures that a screen reader would meet without a name: neither named, nor hidden, nor within something named. */
    nameless: (card) => [...card.querySelectorAll("svg, canvas, img")].filter(seen).filter((one) =>
      !one.closest("[aria-hidden=true], [role=presentation], [role=img][aria-label], [role=application][aria-label]")
      && !one.getAttribute("alt")).map((one) => one.outerHTML.slice(0, 120)),
    /** Elements that Tab reaches and that say no role. */
    roleless: (card) => controls(card).filter((one) => !one.matches(NATIVE) && !one.getAttribute("role")).map((one) => one.outerHTML.slice(0, 120)),
    /** Where each element of the card stands and how it looks, with the styles of the other cards on or off. */
    styles(card, alone) {
      const others = [...document.querySelectorAll(".cnnlab-card style")].filter((one) => !card.contains(one));
      others.forEach((one) => { one.sheet.disabled = alone; });
      const found = [...card.querySelectorAll("*")].filter((one) => one.nodeName !== "STYLE").map((one) => {
        const { display, padding, margin, font, color, gap, width, height } = getComputedStyle(one);
        return `${one.nodeName}.${one.className?.baseVal ?? one.className}: ${[display, padding, margin, font, color, gap, width, height].join("; ")}`;
      });
      others.forEach((one) => { one.sheet.disabled = false; });
      return found;
    },
  };

  // ?twice: each widget stands there two more times, with the same model and with a copy of it.
  if (new URLSearchParams(location.search).has("twice")) {
    addEventListener("DOMContentLoaded", () => {
      const tags = (what) => [...document.querySelectorAll(`script[type="application/vnd.jupyter.widget-${what}+json"]`)];
      const states = tags("state").map((tag) => [tag, JSON.parse(tag.textContent)]);
      tags("view").forEach((view, i) => {
        const { model_id: id } = JSON.parse(view.textContent);
        states.filter(([, { state }]) => state[id]).forEach(([, { state }]) => { state[`copy${i}`] = structuredClone(state[id]); });
        view.dataset.view = `${i} first`;
        for (const [name, model] of [["copy", `copy${i}`], ["second", id]]) {
          const tag = view.cloneNode();
          tag.dataset.view = `${i} ${name}`;
          tag.textContent = JSON.stringify({ model_id: model });
          view.after(tag);
        }
      });
      states.forEach(([tag, content]) => { tag.textContent = JSON.stringify(content); });
    });
  }
})();
