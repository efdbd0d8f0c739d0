// Learning-rate schedules by the names, formulas and defaults of cnnlab.techniques.schedules and cycles: factors of the
// rate at progress t from 0 to 1.

const halfCosine = (t) => (1 + Math.cos(Math.PI * t)) / 2;
const WARM_UP = 0.3, LOW_START = 1 / 25, LOW_END = 1 / 250000; // of one_cycle

/** Up and down again in each of `cycles` equal parts, from `base` to `height(cycles)` of the way to 1. */
const triangle = (height) => (t, { cycles = 2, base = 1 / 4, end = 0.1 } = {}) => {
  const x = Math.abs(2 * (t * cycles - Math.floor(t * cycles)) - 1);
  return base + (1 - base) * (1 - x) * height(t, cycles, end);
};

/** Step k of T is made with the rate times SCHEDULE_FACTORS[name](k / T, parameters). */
export const SCHEDULE_FACTORS = {
  constant: () => 1,
  linear: (t) => 1 - t,
  square: (t) => (1 - t) ** 2,
  sqrt: (t) => Math.sqrt(1 - t),
  cosine: halfCosine,
  linear_cosine: (t, { periods = 0.5, alpha = 0, beta = 0.001 } = {}) => (alpha + 1 - t) * halfCosine(2 * periods * t) + beta,
  step: (t, { first = 1 / 2, second = 3 / 4 } = {}) => 0.1 ** (Number(t >= first) + Number(t >= second)),
  step_every: (t, { size = 100 / 320, gamma = 0.1 } = {}) => gamma ** Math.floor(t / size),
  one_cycle: (t) => (t < WARM_UP
    ? 1 + (LOW_START - 1) * halfCosine(t / WARM_UP)
    : LOW_END + (1 - LOW_END) * halfCosine((t - WARM_UP) / (1 - WARM_UP))),
  triangular: triangle(() => 1),
  triangular2: triangle((t, cycles) => 0.5 ** Math.floor(t * cycles)),
  exp_range: triangle((t, cycles, end) => end ** t),
  rising: (t) => t,
};
