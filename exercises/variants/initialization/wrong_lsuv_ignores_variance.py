"""Always variance 1, whatever is asked for."""

# loses: test-lsuv

# answer: lsuv
@torch.no_grad()
def lsuv(model, images, variance=1.0):
    training = model.training
    model.eval()
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            for _ in range(20):
                with probes.outputs(model) as seen:
                    model(images)
                layer.weight *= 1 / seen[name].std()
    model.train(training)
