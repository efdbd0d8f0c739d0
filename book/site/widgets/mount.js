// Draws the anywidgets of a published page: no kernel, no RequireJS, no html-manager, no request.
// A classic script, because a module script is refused on a page opened as a file.
(() => {
  const NEEDS_KERNEL = "This control needs a running kernel: open the chapter in Colab or Jupyter.";
  const modules = new Map(); // source text -> its module: many widgets, one import
  const page = new AbortController(); // aborted when the page is left for good

  const say = (el, text, kind) => {
    const note = Object.assign(document.createElement("p"), { className: `widget-note ${kind}`, textContent: text });
    note.setAttribute("role", kind === "error" ? "alert" : "note");
    if (![...el.children].some((one) => one.textContent === text)) el.append(note);
  };
  const fail = (error, views) => {
    console.error(error);
    views.forEach((el) => say(el, `This widget failed: ${error?.message ?? error}`, "error"));
  };
  const atEnd = (cleanup) => typeof cleanup === "function" && page.signal.addEventListener("abort", () => cleanup());
  const same = (a, b) =>
    Object.is(a, b) || (a && typeof a === "object" && !ArrayBuffer.isView(a) && JSON.stringify(a) === JSON.stringify(b));

  const load = (source) => {
    if (!modules.has(source)) {
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      modules.set(source, import(url).finally(() => URL.revokeObjectURL(url)));
    }
    return modules.get(source);
  };

  // The widgets that a script of the page holds; a text that several have stands there once (book/sharing.py).
  const modelsIn = (script) => {
    const { state: models, texts } = JSON.parse(script.textContent);
    for (const { state } of Object.values(models)) {
      for (const [name, value] of Object.entries(state)) {
        if (value?.$texts) state[name] = value.$texts.map((place) => texts[place]).join("\n");
      }
    }
    return models;
  };

  // The traits as Python saved them. Binary ones lie beside the JSON, each with its path into it.
  const traitsOf = ({ state, buffers = [] }) => {
    for (const { path, data } of buffers) {
      const owner = path.slice(0, -1).reduce((part, key) => part[key], state);
      owner[path.at(-1)] = new DataView(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer);
    }
    return { ...state, _static: true }; // model.get("_static"): how a widget knows that Python will not answer
  };

  // The model anywidget promises: get, set, on, off, save_changes, send. `views` are the elements that show it.
  const modelOf = (traits, views) => {
    let listeners = [];
    const fire = (event, ...values) => listeners.filter(({ name }) => name === event).forEach(({ callback, context }) => {
      try { callback.call(context ?? model, model, ...values); } catch (error) { fail(error, views); }
    });
    const model = {
      get: (name) => traits[name],
      set(name, value) {
        const given = Object.entries(typeof name === "object" ? name : { [name]: value });
        const changed = given.filter(([key, now]) => !same(traits[key], now));
        Object.assign(traits, Object.fromEntries(changed));
        changed.forEach(([key, now]) => fire(`change:${key}`, now));
        if (changed.length) fire("change");
      },
      on: (names, callback, context) => names.split(" ").forEach((name) => listeners.push({ name, callback, context })),
      off(names, callback, context) { // what is not given matches everything
        const meant = (one) => (!names || names.split(" ").includes(one.name)) &&
          (!callback || callback === one.callback) && (!context || context === one.context);
        listeners = listeners.filter((one) => !meant(one));
      },
      save_changes() {},
      send: () => views.forEach((el) => say(el, NEEDS_KERNEL, "kernel")),
    };
    return model;
  };

  const start = async (model, shared) => {
    const exported = (await load(model.get("_esm"))).default;
    const widget = typeof exported === "function" ? await exported() : exported;
    atEnd(await widget.initialize?.({ model, ...shared }));
    return widget;
  };

  const mount = async (saved, el) => {
    if (!saved?.state._esm) return say(el, NEEDS_KERNEL, "kernel"); // ipywidgets' own controls do nothing without Python
    const views = (saved.views ??= []);
    views.push(el);
    const model = (saved.model ??= modelOf(traitsOf(saved), views));
    const invoke = () => (model.send(), Promise.reject(new Error(NEEDS_KERNEL)));
    const shared = { signal: page.signal, experimental: { invoke } };
    try {
      const widget = await (saved.widget ??= start(model, shared));
      atEnd(await widget.render?.({ model, el, ...shared }));
    } catch (error) {
      fail(error, [el]);
    }
  };

  addEventListener("pagehide", (event) => event.persisted || page.abort());
  addEventListener("DOMContentLoaded", () => {
    const read = (kind) => [...document.querySelectorAll(`script[type="application/vnd.jupyter.widget-${kind}+json"]`)];
    const saved = Object.assign({}, ...read("state").map(modelsIn));
    for (const css of new Set(Object.values(saved).map(({ state }) => state._css).filter(Boolean))) {
      document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
    }
    for (const script of read("view")) {
      const el = Object.assign(document.createElement("div"), { className: "cnnlab-widget" });
      script.after(el);
      mount(saved[JSON.parse(script.textContent).model_id], el);
    }
  });
})();
