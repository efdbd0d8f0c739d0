// Learning-rate schedules by the names and formulas of cnnlab.techniques.schedules: factors of the rate at progress t.

const halfCosine = (t) => (1 + Math.cos(Math.PI * t)) / 2;
const WARM_UP = 0.3, LOW_START = 1 / 25, LOW_END = 1 / 250000; // of one_cycle
const CYCLES = 2, BASE = 1 / 4; // of the triangles

/** Up and down again in equal parts, `height` of the way from the base to 1. */
const triangle = (t, height) => {
  const x = Math.abs(2 * (t * CYCLES - Math.floor(t * CYCLES)) - 1);
  return BASE + (1 - BASE) * (1 - x) * height;
};

/** Step k of T is made with the rate times SCHEDULE_FACTORS[name](k / T). */
export const SCHEDULE_FACTORS = {
  constant: () => 1,
  linear: (t) => 1 - t,
  square: (t) => (1 - t) ** 2,
  sqrt: (t) => Math.sqrt(1 - t),
  cosine: halfCosine,
  linear_cosine: (t) => (1 - t) * halfCosine(t) + 0.001,
  step: (t) => (t < 1 / 2 ? 1 : t < 3 / 4 ? 0.1 : 0.01),
  step_every: (t) => 0.1 ** Math.floor(t / (100 / 320)),
  one_cycle: (t) => (t < WARM_UP
    ? 1 + (LOW_START - 1) * halfCosine(t / WARM_UP)
    : LOW_END + (1 - LOW_END) * halfCosine((t - WARM_UP) / (1 - WARM_UP))),
  triangular: (t) => triangle(t, 1),
  triangular2: (t) => triangle(t, 0.5 ** Math.floor(t * CYCLES)),
  exp_range: (t) => triangle(t, 0.1 ** t),
  rising: (t) => t,
};
