// What can be dragged in the picture of a schedule: its peak, the end of its warm-up, and places of its own.

const nicely = (value, step) => Number((Math.round(value / step) * step).toPrecision(6));
/** "5 %". */
export const percent = (share) => `${Number((100 * share).toPrecision(3))} %`;

/** The handles of these settings for a picture `at`; `set(name, value)` takes a trait or a parameter. */
export function handlesOf({ settings, rates, ranges, at, set }) {
  const { schedule, lr, steps, warm_up: share, parameters } = settings, mine = ranges[schedule];
  const top = rates.reduce((best, rate, k) => (rate > rates[best] ? k : best), 0), highest = rates[top] / lr;
  const perPixel = steps / (at.x(steps) - at.left), stepAt = (x) => (x - at.left) * perPixel;
  const rateAt = (y) => ((at.bottom - y) / (at.bottom - at.top)) * at.y1;
  const digits3 = (value) => Number(value.toPrecision(3));
  const across = (name, label, place, [low, high, step], value, back) => ({
    name, label, axis: "x", x: at.x(place * steps), y: at.bottom, value, low, high, words: `${value}, at step ${Math.round(place * steps)}`,
    moved: (n) => nicely(value + n * step, step), at: (x) => nicely(back(stepAt(x) / steps), step), set: (now) => set(name, now),
  });
  const found = [{
    name: "lr", label: "Peak learning rate", axis: "y", x: at.x(top), y: at.y(rates[top]), value: lr, low: 1e-5, high: 10, words: String(lr),
    moved: (n) => digits3(lr * 1.05 ** n), at: (_, y) => digits3(Math.max(rateAt(y), at.y1 / 200) / highest), set: (value) => set("lr", value),
  }, { ...across("warm_up", "End of the warm-up", share, [0, 0.5, 0.01], share, (t) => t), words: `${percent(share)} of the run` }];
  const later = (t) => share + (1 - share) * t, earlier = (t) => (t - share) / (1 - share);
  const own = (name, label, place, back) => across(name, label, later(place), mine[name].slice(1), parameters[name], (t) => back(earlier(t)));
  const straight = (t) => t;
  if (schedule === "step") found.push(own("first", "First drop", parameters.first, straight), own("second", "Second drop", parameters.second, straight));
  if (schedule === "step_every") found.push(own("size", "Distance of the drops", parameters.size, straight));
  if ("cycles" in mine) {
    const end = Math.min(1, 1 / parameters.cycles), [, low, high, step] = mine.base;
    found.push(own("cycles", "End of the first cycle", end, (t) => 1 / Math.max(t, 0.05)), {
      name: "base", label: "Lowest rate", axis: "y", x: at.x(later(end) * steps), y: at.y(lr * parameters.base), value: parameters.base, low, high,
      words: `${parameters.base} of the peak`, moved: (n) => nicely(parameters.base + n * step, step), at: (_, y) => nicely(rateAt(y) / lr, step),
      set: (value) => set("base", value),
    });
  }
  return found;
}
