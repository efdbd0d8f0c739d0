// Which runs stand side by side: the settings of each member, and what tells it from the others.
import { LAB_ACTIVATIONS, LAB_INITIALIZATIONS } from "./labwords.js";

const RATE_LOW = 0.0005, RATE_HIGH = 3;
const rate = (value) => Number(Math.min(RATE_HIGH, Math.max(RATE_LOW, value)).toPrecision(2));
const rates = (lr, factors) => [...new Set(factors.map((factor) => rate(lr * factor)))].map((lr) => ({ lr }));

/**
 * The ways to compare: a text for the list, the settings that the members change, and the name of each.
 * `varies` is what they differ in; `whole` says that the setting's own value takes no part.
 */
export const COMPARISONS = {
  one: { text: "nothing", changes: () => [{}], name: () => "this run" },
  three_rates: { text: "3 learning rates", varies: "lr", changes: ({ lr }) => rates(lr, [0.25, 1, 4]), name: ({ lr }) => `lr ${lr}` },
  eight_rates: {
    text: "8 learning rates", varies: "lr", changes: ({ lr }) => rates(lr, [0.03, 0.1, 0.3, 1, 2, 4, 8, 16]), name: ({ lr }) => `lr ${lr}`,
  },
  seeds: { text: "5 seeds", varies: "seed", changes: ({ seed }) => [0, 1, 2, 3, 4].map((k) => ({ seed: seed + k })), name: ({ seed }) => `seed ${seed}` },
  activations: {
    text: "6 activations", varies: "activation", whole: true,
    changes: () => ["relu", "leaky_relu", "elu", "tanh", "sigmoid", "identity"].map((activation) => ({ activation })),
    name: ({ activation }) => LAB_ACTIVATIONS[activation],
  },
  initializations: {
    text: "6 initializations", varies: "initialization", whole: true,
    changes: () => ["zeros", "normal", "xavier", "he", "orthogonal", "lsuv"].map((initialization) => ({ initialization })),
    name: ({ initialization }) => LAB_INITIALIZATIONS[initialization],
  },
  normalization: {
    text: "batch norm or not", varies: "placement", whole: true,
    changes: () => ["none", "before", "after"].map((placement) => ({ placement })),
    name: ({ placement }) => (placement === "none" ? "no batch norm" : `batch norm ${placement}`),
  },
};

/** The settings of each member, whole. */
export const membersOf = (settings, compare) => COMPARISONS[compare].changes(settings).map((change) => ({ ...settings, ...change }));

export const memberName = (member, compare) => COMPARISONS[compare].name(member);

const python = (value) => (typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value));
const fieldsOf = (settings) => Object.entries(settings).map(([name, value]) => `${name}=${python(value)}`);

/** A cell of Python that trains the same members. */
export function pythonCell({ seed, dataset, ...settings }, compare) {
  const images = dataset === "shapes" ? 'dataset="shapes", image_size=16, train_images=1200' : 'dataset="digits"';
  const changes = COMPARISONS[compare].changes({ ...settings, seed }), list = changes.map(({ seed: _, ...rest }) =>
    `    {${Object.entries(rest).map(([name, value]) => `${python(name)}: ${python(value)}`).join(", ")}},`);
  const seeds = changes.map((change) => change.seed ?? seed), fields = fieldsOf(settings);
  const lines = Array.from({ length: Math.ceil(fields.length / 4) }, (_, i) => `    ${fields.slice(4 * i, 4 * i + 4).join(", ")},`);
  return [ // a line a string: what stands in the joined text of a widget loses its indentation
    "from cnnlab.config import Config", "from cnnlab.sweep.choice import fit_members", "from cnnlab.sweep.network import dataset_of, network",
    "from cnnlab.sweep.together import Member", "", "base = Config().with_fields(", `    ${images}, model="workbench", epochs=4,`, ...lines, ")",
    "changes = [", ...list, "]", `seeds = [${seeds.join(", ")}]`, "data = dataset_of(base)", "configs = [base.with_fields(**change) for change in changes]",
    "members = [Member(network(each, data, seed), each.training, seed) for each, seed in zip(configs, seeds)]", "for k, epoch in fit_members(members, data):",
    '    print(changes[k], f"seed {seeds[k]}, step {epoch.step}: loss {epoch.train_loss:.3f}, held out {epoch.valid_accuracy:.1%}")', "",
  ].join("\n");
}
