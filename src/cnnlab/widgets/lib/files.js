// A table as a real table and as a file to keep: the same rows in both.
import { make } from "./controls.js";

const quoted = (cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
const written = (cell) => (typeof cell === "number" ? (Number.isFinite(cell) ? String(cell) : "") : quoted(String(cell)));

/** Comma-separated values with a head; numbers in full, nothing where there is none. */
export const csv = ({ head, lines }) => [head, ...lines].map((cells) => cells.map(written).join(",")).join("\n") + "\n";

/** A link that saves a text as a file; `offer(name, content)` changes both, `end()` frees it. */
export function download(textContent) {
  const element = make("a", { className: "save", textContent });
  const end = () => { if (element.href) URL.revokeObjectURL(element.href); };
  const offer = (name, content) => {
    end();
    element.download = name;
    element.href = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
  };
  return { element, offer, end };
}

/** A table element; the first `heads` cells of each line name it, `format` writes the numbers. */
export function tableOf({ head, lines }, caption, heads, format) {
  const cell = (value, i) => (i < heads ? make("th", { scope: "row", textContent: value })
    : make("td", { className: typeof value === "number" ? "number" : "", textContent: typeof value === "number" ? format(value) : value }));
  const top = make("tr", {}, ...head.map((name) => make("th", { scope: "col", textContent: name.replaceAll("_", " ") })));
  return make("table", {}, make("caption", { textContent: caption }), make("thead", {}, top),
    make("tbody", {}, ...lines.map((cells) => make("tr", {}, ...cells.map(cell)))));
}

/** A part that opens, with a wide table that scrolls by itself, from the keyboard as well. */
export function tablePart(name) {
  const scroll = make("div", { className: "scroll", tabIndex: 0 });
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", name);
  return { element: make("details", {}, make("summary", { textContent: name }), scroll), scroll };
}

export const FILES_STYLE = `
.cnnlab-card details { margin-top: 14px; }
.cnnlab-card summary { cursor: pointer; font-weight: 600; font-size: 14px; padding: 4px 0; min-height: 28px; }
.cnnlab-card :is(summary, .save, .scroll):focus-visible { outline: 3px solid var(--second); outline-offset: 2px; border-radius: 4px; }
.cnnlab-card .scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
.cnnlab-card table { border-collapse: collapse; font-size: 13px; margin: 0; width: 100%; background: none; color: inherit; border: 0; }
.cnnlab-card caption { text-align: left; padding: 6px 10px; color: var(--muted); caption-side: top; }
.cnnlab-card tr { background: none; border: 0; }
.cnnlab-card :is(th, td) { padding: 4px 10px; border: 0; border-top: 1px solid var(--line); text-align: left; white-space: nowrap; color: inherit; background: none; font-weight: 400; }
.cnnlab-card thead th { font-weight: 650; vertical-align: bottom; }
.cnnlab-card .number { text-align: right; font-variant-numeric: tabular-nums; }
.cnnlab-card .saves { display: flex; flex-wrap: wrap; gap: 4px 20px; margin-top: 8px; font-size: 14px; }
.cnnlab-card .save { color: var(--first); text-decoration: underline; display: inline-block; padding: 4px 0; cursor: pointer; }
`;
