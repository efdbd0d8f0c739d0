"""Hooks that never come off."""

# loses: test-lsuv

# answer: lsuv
@torch.no_grad()
def lsuv(model, images, variance=1.0):
    training, seen = model.training, []
    model.eval()
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.register_forward_hook(lambda m, x, output: seen.append((m, output)))
            for _ in range(20):
                seen.clear()
                model(images)
                output = next(output for m, output in seen if m is layer)
                layer.weight *= (variance / output.var()).sqrt()
    model.train(training)
