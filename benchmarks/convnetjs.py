"""ConvNetJS 0.3.0, the trainer of CNNs in a page since 2014, as the peer of ours: one net, one page, the same numbers.

Both sides start from the same weights, see the same 100 batches of digits, and must come to the same losses before
anything is measured. ConvNetJS reckons in float64, ours in float32; its images are made into its own volumes beforehand.
"""

import sys
from pathlib import Path

from cnnlab.widgets.assemble import packed_digits, script

VERSION = "0.3.0"
FILE = Path(sys.prefix, "node_modules/convnetjs/build/convnet-min.js")  # `make bench` puts it there, by npm
CHROMIUM = "/usr/bin/chromium"

# 3x3 convolutions of 8 and 16 filters with ReLU, a 2x2 max pool, then one over the 4x4 map, and a linear layer.
OURS = """
const STEPS = 100, COUNT = 32, RATE = 0.02, INERTIA = 0.9;
let start = null, rows = null, set = null;

async function prepare(packed) {
  set = divided(digitsOf(await inflate(packed)), 0, Float32Array).train;
  rows = Array.from({ length: STEPS }, (_, step) => shuffled(set.labels.length, generator(step)).slice(0, COUNT));
  const { net } = our();
  startWeights(net, "he", generator(0));
  start = net.parameters.map(({ values }) => Array.from(values));
}

function our() {
  const room = { batch: COUNT, Values: Float32Array }, net = emptyNet({ channels: 1, height: 8, width: 8 }, room);
  for (const [filters, window] of [[8, 2], [16, 4]]) {
    add(net, convolution(net.last, filters, room));
    add(net, activationLayer(net.last, "relu", room));
    add(net, maxPooling(net.last, window, room));
  }
  const whole = addHead(net, 10, room);
  start?.forEach((values, i) => whole.parameters[i].values.set(values));
  return { net: whole, descend: sgd(whole.parameters, { momentum: INERTIA, nesterov: false, weight_decay: 0 }) };
}

function trainOurs() {
  const { net, descend } = our(), labels = new Uint8Array(COUNT);
  return rows.map((chosen) => {
    chosen.forEach((row, i) => { labels[i] = set.labels[row]; });
    fillBatch(net.input, set.images, chosen);
    forwardPass(net, COUNT, true);
    const loss = backwardPass(net, labels, COUNT);
    descend(RATE);
    return loss;
  });
}
"""
THEIRS = """
let volumes = null;

function theirs() {
  const net = new convnetjs.Net();
  net.makeLayers([
    { type: "input", out_sx: 8, out_sy: 8, out_depth: 1 },
    { type: "conv", sx: 3, filters: 8, stride: 1, pad: 1, activation: "relu" },
    { type: "pool", sx: 2, stride: 2 },
    { type: "conv", sx: 3, filters: 16, stride: 1, pad: 1, activation: "relu" },
    { type: "pool", sx: 4, stride: 4 },
    { type: "softmax", num_classes: 10 },
  ]);
  const layers = net.layers.filter(({ filters }) => filters);
  layers.forEach((layer, k) => layer.filters.forEach((filter, o) => {
    const channels = filter.depth, places = filter.sx * filter.sy; // theirs has the channel last
    for (let i = 0; i < filter.w.length; i++) {
      filter.w[i] = start[2 * k][(o * channels + (i % channels)) * places + Math.floor(i / channels)];
    }
    layer.biases.w[o] = 0;
  }));
  const options = { method: "sgd", learning_rate: RATE, momentum: INERTIA, batch_size: COUNT, l2_decay: 0 };
  return new convnetjs.SGDTrainer(net, options);
}

function trainTheirs() {
  volumes ??= Array.from(set.labels, (_, row) => {
    const volume = new convnetjs.Vol(8, 8, 1, 0);
    volume.w.set(set.images.subarray(64 * row, 64 * row + 64));
    return volume;
  });
  const trainer = theirs();
  return rows.map((chosen) => {
    let loss = 0;
    for (const row of chosen) loss += trainer.train(volumes[row], set.labels[row]).cost_loss;
    return loss / COUNT;
  });
}
"""


def digits():
    """100 steps of each, in turns, in one page of headless Chromium."""
    if not FILE.exists():
        return f"ConvNetJS {VERSION} is not installed here: `make bench` does it where there is npm and a network"
    if not Path(CHROMIUM).exists():
        return f"{CHROMIUM} is missing: apt-get install chromium"
    page = _page()
    page.evaluate("prepare", packed_digits())
    peer, ours = lambda: page.evaluate("trainTheirs()"), lambda: page.evaluate("trainOurs()")
    apart = max(abs(a - b) for a, b in zip(peer(), ours(), strict=True))
    if not apart < 1e-4:
        raise RuntimeError(f"the losses of the two differ by {apart:.2g} nats: they do not train the same net")
    return peer, ours, lambda: f"losses within {apart:.0e} nats"


def _page():
    import atexit

    from playwright.sync_api import sync_playwright

    playwright = sync_playwright().start()
    atexit.register(playwright.stop)
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
    page = browser.new_page()
    for text in (script("members"), OURS, FILE.read_text(encoding="utf-8"), THEIRS):
        page.add_script_tag(content=text)
    return page
