// Stochastic gradient descent as torch.optim.SGD does it.

/** The buffers of a net's parameters; they start at zero, which makes the first step the one of torch. */
export function sgd(parameters, { momentum, nesterov, weight_decay: decay }) {
  const buffers = parameters.map(({ values }) => new values.constructor(values.length));
  return (rate) => {
    for (let i = 0; i < buffers.length; i++) {
      move(parameters[i].values, parameters[i].gradient, buffers[i], rate, momentum, nesterov, decay);
    }
  };
}

/** v ← m v + g, then w ← w - rate · v, or with Nesterov w - rate · (g + m v). */
function move(w, gradient, v, rate, momentum, nesterov, decay) {
  for (let i = 0; i < w.length; i++) {
    const g = gradient[i] + decay * w[i];
    v[i] = momentum * v[i] + g;
    w[i] -= rate * (nesterov ? g + momentum * v[i] : v[i]);
  }
}
