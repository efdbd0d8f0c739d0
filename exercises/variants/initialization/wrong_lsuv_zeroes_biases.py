"""Sets the biases to zero, which makes one division enough but was not allowed."""

# loses: test-lsuv

# answer: lsuv
@torch.no_grad()
def lsuv(model, images, variance=1.0):
    training = model.training
    model.eval()
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            if layer.bias is not None:
                layer.bias.zero_()
            for _ in range(20):
                with probes.outputs(model) as seen:
                    model(images)
                layer.weight *= (variance / seen[name].var()).sqrt()
    model.train(training)
