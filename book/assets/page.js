// Repairs that configuration does not reach, and the search of the index of techniques.
// Sphinx's search fetches each found page for a summary, and a page opened as a file may fetch nothing.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
// docutils puts entries of a deprecated role into its list of references; screen readers want list items.
addEventListener("DOMContentLoaded", () =>
  document.querySelectorAll(".citation-list > .citation").forEach((entry) => entry.setAttribute("role", "listitem")));
// The theme's button that unfolds a part of the contents has no name.
addEventListener("DOMContentLoaded", () =>
  document.querySelectorAll("li.has-children > details > summary").forEach((button) => {
    const link = button.closest("li").querySelector("a");
    button.setAttribute("aria-label", `Pages under ${link.textContent.trim()}`);
  }));

// A figure wider than any of one panel has two: a narrow page scrolls it instead of making it too small to read.
const WIDE = 800; // pixels
addEventListener("load", () =>
  document.querySelectorAll(".bd-article div.cell_output > img").forEach((picture) => {
    const output = picture.parentElement;
    output.classList.toggle("wide", picture.naturalWidth > WIDE);
    if (output.scrollWidth <= output.clientWidth) return;
    Object.assign(output, { tabIndex: 0, role: "region", ariaLabel: "Wide figure, scrolls sideways" });
  }));
// What a page keeps folded under a cell is a picture; on paper nobody can unfold it.
const foldedPictures = () => document.querySelectorAll(".bd-article details.below-input");
addEventListener("beforeprint", () => foldedPictures().forEach((one) => {
  one.dataset.wasOpen = one.open;
  one.open = true;
}));
addEventListener("afterprint", () => foldedPictures().forEach((one) => { one.open = one.dataset.wasOpen === "true"; }));

addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table.techniques");
  if (!table) return;
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, text: row.textContent.toLowerCase() }));
  const form = document.createElement("form");
  form.className = "techniques-search";
  form.innerHTML = '<label for="technique">Find a technique</label>'
    + '<input id="technique" type="search" placeholder="dropout, A05, joins ..." autocomplete="off"><output for="technique"></output>';
  const [field, count] = [form.querySelector("input"), form.querySelector("output")];
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { row, text } of rows) row.hidden = !words.every((word) => text.includes(word));
    count.textContent = `${rows.filter(({ row }) => !row.hidden).length} of ${rows.length} rows`;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", filter);
  (table.closest(".pst-scrollable-table-container") ?? table).before(form);
  filter();
});
