"""Measures all layers first and scales them afterwards, when each has a new input."""

# loses: test-lsuv

# answer: lsuv
@torch.no_grad()
def lsuv(model, images, variance=1.0):
    training = model.training
    model.eval()
    with probes.outputs(model) as seen:
        model(images)
    for name, output in seen.items():
        model.get_submodule(name).weight *= (variance / output.var()).sqrt()
    model.train(training)
