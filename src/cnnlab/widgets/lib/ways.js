// Blocks in a row with several ways through each: how many paths there are of each length. Knows nothing of the page.

/** Layers of each way through a block: a skip has none. */
export const waysOf = ({ kind, branches }) => (kind === "residual" ? [0, 1] : Array.from({ length: branches }, (_, i) => i + 1));

/** For each block the ways that are left. */
export function waysLeft(net) {
  const gone = new Set(net.removed.map(([block, layers]) => `${block} ${layers}`));
  return Array.from({ length: net.blocks }, (_, i) => waysOf(net).filter((layers) => !gone.has(`${i + 1} ${layers}`)));
}

/** Paths by length, from length 0: block after block, each way shifts what came before by its layers. */
export function histogram(blocks) {
  return blocks.reduce((counts, ways) => {
    const next = Array(counts.length + Math.max(0, ...ways)).fill(0);
    ways.forEach((layers) => counts.forEach((paths, length) => { next[length + layers] += paths; }));
    return next;
  }, [1]);
}

/** The number of paths, [[length, paths], ...], and shortest, longest and mean length, null where no path is left. */
export function pathNumbers(blocks) {
  const lengths = histogram(blocks).map((paths, length) => [length, paths]).filter(([, paths]) => paths);
  const paths = lengths.reduce((sum, [, count]) => sum + count, 0);
  const total = lengths.reduce((sum, [length, count]) => sum + length * count, 0);
  return { paths, lengths, shortest: lengths[0]?.[0] ?? null, longest: lengths.at(-1)?.[0] ?? null, mean: paths ? total / paths : null };
}

/** "skip" or "branch of 2 layers". */
export const wayName = (net, layers) => {
  if (net.kind === "branched") return `branch of ${layers} ${layers === 1 ? "layer" : "layers"}`;
  return layers ? "branch" : "skip";
};

const percent = (part) => (100 * part).toPrecision(part < 0.1 ? 2 : 3);

const counted = (value) => value.toLocaleString("en-US");

/** How the number of paths comes about, what is left of the whole net's, and how long they are. */
export function pathWords(net, { paths, shortest, longest, mean }) {
  const left = waysLeft(net), whole = waysOf(net).length ** net.blocks;
  const closed = left.findIndex((ways) => ways.length === 0) + 1;
  if (closed) return `No path is left: block ${closed} has no way through it. Put one of its ways back.`;
  const product = left.map((ways) => ways.length).join(" · ");
  const share = paths === whole ? "all that this net can have" : `${percent(paths / whole)} % of the whole net's ${counted(whole)}`;
  const lengths = shortest === longest ? `Each passes ${shortest} ${shortest === 1 ? "layer" : "layers"}.`
    : `The shortest passes ${shortest}, the longest ${longest} layers, the mean is ${mean.toFixed(2)}.`;
  return `${product}${net.blocks > 1 ? ` = ${counted(paths)}` : ""} ${paths === 1 ? "path" : "paths"}, ${share}. ${lengths}`;
}
