// Python cells that make the same rates as the picture: with cnnlab, and with torch alone.

const TORCH = {
  linear_cosine: ({ periods, alpha, beta }) => `(${alpha} + 1 - t) * (1 + math.cos(2 * math.pi * ${periods} * t)) / 2 + ${beta}`,
  step_every: ({ size, gamma }) => `${gamma} ** math.floor(t / ${size})`,
  constant: () => "1.0",
  linear: () => "1 - t",
  square: () => "(1 - t) ** 2",
  sqrt: () => "math.sqrt(1 - t)",
  cosine: () => "(1 + math.cos(math.pi * t)) / 2",
  step: ({ first, second }) => `0.1 ** ((t >= ${first}) + (t >= ${second}))`,
  rising: () => "t",
};
const RISE = "1 + (1 / 25 - 1) * (1 + math.cos(math.pi * t / 0.3)) / 2";
const FALL = "1 / 250000 + (1 - 1 / 250000) * (1 + math.cos(math.pi * (t - 0.3) / (1 - 0.3))) / 2";
const HEIGHTS = { triangular: () => "1", triangular2: ({ cycles }) => `0.5 ** math.floor(t * ${cycles})`, exp_range: ({ end }) => `${end} ** t` };

/** The body of `def rate(t):` for a schedule without its warm-up. */
function body({ schedule, parameters }) {
  if (TORCH[schedule]) return [`    return ${TORCH[schedule](parameters)}`];
  if (schedule === "one_cycle") return ["    if t < 0.3:", `        return ${RISE}`, `    return ${FALL}`];
  const { cycles, base } = parameters;
  return [`    x = abs(2 * (t * ${cycles} % 1) - 1)`, `    return ${base} + (1 - ${base}) * (1 - x) * ${HEIGHTS[schedule](parameters)}`];
}

const warmed = (share) => [`    if t < ${share}:`, `        return t / ${share}`, `    t = (t - ${share}) / (1 - ${share})`];

/** The first of `steps` steps whose progress has come to this place. */
const milestone = (place, steps) => [-1, 0, 1].map((more) => Math.ceil(place * steps) + more).find((k) => k / steps >= place);

/** torch's own scheduler where one makes exactly these rates; else "". */
function own({ schedule, parameters, steps, warm_up: share }) {
  if (share > 0) return "";
  const powers = { linear: 1, square: 2, sqrt: 0.5 };
  if (schedule in powers) return `PolynomialLR(optimizer, total_iters=${steps}, power=${powers[schedule]})`;
  if (schedule === "cosine") return `CosineAnnealingLR(optimizer, T_max=${steps})`;
  const drops = () => [parameters.first, parameters.second].map((place) => milestone(place, steps)).sort((a, b) => a - b);
  return schedule === "step" ? `MultiStepLR(optimizer, milestones=[${drops().join(", ")}], gamma=0.1)` : "";
}

const optimizer = (lr) => ["", "model = nn.Linear(2, 2)  # yours", `optimizer = optim.SGD(model.parameters(), lr=${lr})`];
const loop = (steps) => ["rates = []", `for step in range(${steps}):`, '    rates.append(optimizer.param_groups[0]["lr"])',
  "    optimizer.step()  # after your forward and backward pass", "    scheduler.step()"];

/** A cell with torch alone. */
export function torchCode(settings) {
  const { lr, steps, warm_up: share } = settings, made = own(settings);
  if (made) {
    return ["from torch import nn, optim", `from torch.optim.lr_scheduler import ${made.split("(")[0]}`, ...optimizer(lr),
      `scheduler = ${made}`, ...loop(steps)].join("\n");
  }
  const inner = body(settings), math = inner.some((line) => line.includes("math."));
  return [...(math ? ["import math", ""] : []), "from torch import nn, optim", "from torch.optim.lr_scheduler import LambdaLR", "", "",
    "def rate(t):", ...(share > 0 ? warmed(share) : []), ...inner, "", ...optimizer(lr),
    `scheduler = LambdaLR(optimizer, lambda step: rate(min(step, ${steps}) / ${steps}))`, ...loop(steps)].join("\n");
}

/** A cell with cnnlab; `usual` are the parameters that its function has by itself. */
export function cnnlabCode(settings, usual) {
  const { schedule, parameters, lr, steps, warm_up: share } = settings;
  const away = Object.keys(parameters).filter((name) => parameters[name] !== usual[name]);
  if (!away.length && !(share > 0)) {
    return ["from torch import nn, optim", "", "from cnnlab.techniques import schedules", ...optimizer(lr),
      `scheduler = schedules.scheduler(optimizer, "${schedule}", ${steps})`, ...loop(steps)].join("\n");
  }
  const places = schedule === "step" && away.length; // cnnlab's own step has its places fixed
  const given = away.map((name) => `, ${name}=${parameters[name]}`).join("");
  const rate = places ? ["", "", "def rate(t):  # as cnnlab's step, at other places", ...body(settings), ""]
    : [`rate = ${given ? `partial(schedule("${schedule}")${given})` : `schedule("${schedule}")`}`];
  const imports = [...(share > 0 ? ["from cnnlab.techniques.cycles import warm_up"] : []),
    ...(places ? [] : ["from cnnlab.techniques.schedules import schedule"])];
  return [...(given && !places ? ["from functools import partial", ""] : []), "from torch import nn, optim",
    "from torch.optim.lr_scheduler import LambdaLR", ...(imports.length ? ["", ...imports] : []), ...optimizer(lr), ...rate,
    ...(share > 0 ? [`rate = warm_up(rate, ${share})`] : []),
    `scheduler = LambdaLR(optimizer, lambda step: rate(min(step, ${steps}) / ${steps}))`, ...loop(steps)].join("\n");
}
