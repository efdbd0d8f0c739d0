// What the training lab shows, put into its view: curves of all members, the inside of one, the list of their names.
import { button, make } from "./controls.js";
import { digitSheet, frames } from "./digits.js";
import { accuracyPanel, filtersPanel, layersPanel, lossesPanel } from "./labpanels.js";
import { layerVerdict, pinWords } from "./labwords.js";
import { svg, tag } from "./plot.js";
import { swatch } from "./series.js";

const CLASSES = 10, SHOWN = 128;

/** Loss and accuracy of all members. */
export function drawCurves(view, { members, pinned, settings, chosen }) {
  const { steps } = settings;
  [[view.loss, lossesPanel], [view.accuracy, accuracyPanel]].forEach(([{ chart }, draw]) => {
    chart.innerHTML = draw({ members, pinned, steps, classes: CLASSES, width: chart.clientWidth || 480, chosen });
  });
  const said = members.filter(({ losses }) => losses.length).map(({ name, losses, divergedAt }) =>
    (divergedAt ? `${name} diverged at step ${divergedAt}` : `${name} ${losses.at(-1).toFixed(2)} after ${losses.length} steps`));
  view.loss.chart.setAttribute("aria-label", `Line chart of the training loss by step: ${said.join("; ") || "not trained yet"}. Guessing gives 2.30.`);
  const right = members.filter(({ looks }) => looks.length).map(({ name, looks }) => `${name} ${(100 * looks.at(-1).accuracy).toFixed(0)} percent`);
  view.accuracy.chart.setAttribute("aria-label", `Line chart of held-out accuracy by step: ${right.join("; ") || "not measured yet"}.`);
}

/** Layers, filters and answers of one member, where its last look or the room for it is another than was drawn. */
export function drawMember(view, member, digits) {
  const look = member?.inside, shown = Boolean(look), width = view.layers.chart.clientWidth;
  const now = [look, digits, width];
  if (view.drawn?.every((value, i) => value === now[i])) return;
  view.drawn = now;
  [view.layers, view.filters].forEach(({ element }) => { element.hidden = !shown; });
  view.sheet.element.hidden = !(look?.wrong && digits);
  if (!shown) {
    view.inside.textContent = ""; // what it says is of a run that is over
    return;
  }
  view.layers.chart.innerHTML = layersPanel({ layers: look.layers, first: member.start.layers, width: view.layers.chart.clientWidth || 480 });
  view.layers.note.textContent = `Broken lines: the first look, after step ${member.start.step}; whole lines: after step ${look.step}.`;
  view.inside.textContent = layerVerdict(member);
  view.layers.chart.setAttribute("aria-label", `Line chart on a logarithmic scale, by layer. ${view.inside.textContent}`);
  view.filters.element.hidden = !look.filters;
  if (look.filters) view.filters.chart.innerHTML = filtersPanel(look.filters);
  view.filters.chart.setAttribute("aria-label", `${look.filters?.length ?? 0} filters of 3 by 3 weights of ${member.name}.`);
  if (view.sheet.element.hidden) return;
  if (view.sheet.drawn !== digits) view.sheet.chart.innerHTML = digitSheet(digits);
  view.sheet.drawn = digits;
  const wrong = look.wrong.filter((image) => image < SHOWN);
  view.sheet.chart.querySelector("g").innerHTML = frames(wrong);
  view.sheet.note.textContent = `${SHOWN - wrong.length} of ${SHOWN} right`;
  view.sheet.chart.setAttribute("aria-label", `Held-out digits, answers of ${member.name}: ${view.sheet.note.textContent}.`);
}

/** A chip for each member and a line for each pinned run, where they have changed: a chip that is pressed must stay. */
export function drawLegend(view, { members, pinned, chosen, varies }, choose, unpin) {
  const compared = [...pinned, members[chosen]].map(({ settings }) => settings);
  const titles = pinned.map(({ settings, place }) => `Pin ${place + 1}: ${pinWords(settings, compared, varies)}`);
  const now = JSON.stringify([members.map(({ name, divergedAt }) => [name, divergedAt]), titles, chosen]);
  if (view.listed === now) return;
  view.listed = now;
  view.legend.replaceChildren(...members.map(({ name, series, divergedAt }, i) => {
    const several = members.length > 1, chip = several ? button("", () => choose(i)) : make("span");
    chip.className = "chip";
    chip.innerHTML = `${swatch(series)}<span></span>`;
    chip.lastChild.textContent = divergedAt ? `${name}, diverged` : name;
    if (several) chip.setAttribute("aria-pressed", i === chosen);
    return chip;
  }));
  view.pins.replaceChildren(...pinned.map(({ place }, i) => {
    const remove = button("Unpin", () => unpin(i)), line = make("p");
    remove.setAttribute("aria-label", `Unpin ${titles[i]}`);
    line.innerHTML = svg({ width: 34, height: 12 }, tag("path", { class: `before pin${place}`, d: "M1 6h32" }));
    line.append(` ${titles[i]} `, remove);
    return line;
  }));
}
