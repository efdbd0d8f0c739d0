// Up to eight members trained in turns, as a worker: what `crew.js` starts and talks to.
import { evaluateMember, isFinished, member, memberStep } from "./member.js";
import { filtersOf, layerStatistics } from "./layerstatistics.js";
import { digitsOf, divided, inflate, inkOf } from "./pictures.js";
import { shapesOf } from "./painting.js";

const TURN_MS = 20; // of work between two looks for messages: a new setting waits no longer, or for one step
const PICTURES = 1500; // of shapes: half a second to draw, once
const LOOKS = 10; // evaluations on held-out images in a run; one costs as much as two steps
const FEW = 128; // of them, but at the end

/**
 * Answers `{packed}`, the digits, once, and `{run, members, images}`, settings of each and `digits` or `shapes`, until the
 * next: with `{run, digits}`, the first held-out ones as 64 numbers from 0 to 16 each; with `{run, points}` after
 * each turn, a point being {member, step, loss, accuracy} of the batch of step `step`,
 * counted from 1, before it, or with `layers` and `heldOut` after it; `{run, done}` at the end; `{run, error}` where
 * settings are refused. `{run}` alone stops.
 */
export function serveMembers(scope) {
  const channel = new MessageChannel(); // a timer of 0 ms takes 4; a message to oneself takes none
  const sets = { shapes: () => divided(shapesOf(PICTURES, 0), 0, Float32Array) }, made = {};
  let crew = null;
  channel.port1.onmessage = ({ data: run }) => {
    if (crew?.run !== run) return; // another run was asked for meanwhile
    const answer = guarded(run, () => takeTurn(crew));
    if (answer.done || answer.error) crew = null;
    else channel.port2.postMessage(run);
    scope.postMessage(answer);
  };
  scope.onmessage = async ({ data: { packed, run, members, images } }) => {
    if (packed) sets.digits = () => inflate(packed).then(digitsOf).then((set) => ({ ...divided(set, 0, Float32Array), set }));
    if (run === undefined) return;
    crew = members ? { run, settings: members, members: [], next: 0 } : null;
    if (!crew) return;
    if (!(images in sets)) {
      const choices = Object.keys(sets).sort().join(", ");
      scope.postMessage({ run, error: `images ${images} are unknown; choose one of: ${choices}` });
      return;
    }
    const data = await (made[images] ??= sets[images]());
    if (crew?.run !== run) return; // a newer one came while the images were made
    crew.data = data;
    if (data.set) scope.postMessage({ run, points: [], digits: inkOf(data.set, data.heldOut.rows.slice(0, FEW)) });
    channel.port2.postMessage(run);
  };
}

function guarded(run, work) {
  try {
    return { run, ...work() };
  } catch (error) {
    return { run, error: error.message };
  }
}

/** Steps of the members one after the other, for about TURN_MS; a member is made at its first. */
function takeTurn(crew) {
  const began = performance.now(), points = [];
  do {
    const i = crew.next, one = (crew.members[i] ??= member(crew.settings[i], crew.data));
    crew.next = (i + 1) % crew.settings.length;
    if (!isFinished(one)) points.push(...advance(one, i));
    if (crew.members.length === crew.settings.length && crew.members.every(isFinished)) return { points, done: true };
  } while (performance.now() - began < TURN_MS);
  return { points };
}

/** One step of member `i`: its point, and now and then a look at its layers and at images it has not seen. */
function advance(one, i) {
  const { loss, right } = memberStep(one), point = { member: i, step: one.done, loss, accuracy: right / one.batch };
  const every = Math.ceil(one.settings.steps / LOOKS), end = isFinished(one);
  if (one.divergedAt !== null) return [{ ...point, divergedAt: one.divergedAt }];
  if (!end && one.done % every) return [point];
  const layers = layerStatistics(one.net, one.batch), filters = filtersOf(one.net);
  const heldOut = evaluateMember(one, one.data.heldOut, end ? undefined : FEW);
  return [point, { member: i, step: one.done, layers, filters, heldOut }];
}
