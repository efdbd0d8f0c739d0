// Two repairs that configuration does not reach.
// Sphinx's search fetches each found page for a summary, and a page opened as a file may fetch nothing.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
// docutils puts entries of a deprecated role into its list of references; screen readers want list items.
addEventListener("DOMContentLoaded", () =>
  document.querySelectorAll(".citation-list > .citation").forEach((entry) => entry.setAttribute("role", "listitem")));
