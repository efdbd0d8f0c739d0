// What stands behind a widget: a live kernel that answers in time, or the reader's own browser.

const PATIENCE_MS = 300;
let hellos = 0;

/** {kernel: true, device} where a kernel answers a hello within 300 ms; else {kernel: false, busy}, busy if there is one. */
export function askKernel(model, patience = PATIENCE_MS) {
  if (model.get("_static") || !model.get("kernel")) return Promise.resolve({ kernel: false, busy: false });
  const hello = ++hellos;
  return new Promise((resolve) => {
    const end = (answer) => {
      clearTimeout(timer);
      model.off("msg:custom", hear);
      resolve(answer);
    };
    const hear = (message) => { if (message.here === hello) end({ kernel: true, device: message.device }); };
    const timer = setTimeout(() => end({ kernel: false, busy: true }), patience);
    model.on("msg:custom", hear);
    model.send({ hello });
  });
}

/** The kernel as something that trains: `train(members, tell)` ends the run before, `stop()` ends it. */
export function kernelCrew(model) {
  let run = 0, told = null;
  const hear = (message) => { if (message.run === run) told?.(message); };
  model.on("msg:custom", hear);
  return {
    train(members, tell) {
      told = tell;
      model.send({ run: ++run, members });
    },
    stop() {
      told = null;
      model.send({ run: ++run });
    },
    dispose() {
      this.stop();
      model.off("msg:custom", hear);
    },
  };
}

/** The quiet line that says where the numbers come from. */
export function sourceWords({ kernel, busy, device }) {
  if (kernel) return `Trained by the kernel of this notebook, in PyTorch on ${device === "cpu" ? "the CPU" : `the GPU (${device})`}.`;
  return busy ? "The kernel is busy, so this trains in your browser." : "Trained in your browser, by the same formulas as the package.";
}
