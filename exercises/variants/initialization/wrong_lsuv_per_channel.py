"""Variance over the wrong axes: of each unit on its own, so every row gets its own factor."""

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
                scale = (variance / seen[name].transpose(0, 1).flatten(1).var(1)).sqrt()
                layer.weight *= scale.view(-1, *[1] * (layer.weight.ndim - 1))
    model.train(training)
