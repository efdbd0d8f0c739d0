"""Measures in training mode: dropout disturbs, batch normalization's statistics move."""

# loses: test-lsuv

# answer: lsuv
@torch.no_grad()
def lsuv(model, images, variance=1.0):
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            for _ in range(20):
                with probes.outputs(model) as seen:
                    model(images)
                layer.weight *= (variance / seen[name].var()).sqrt()
