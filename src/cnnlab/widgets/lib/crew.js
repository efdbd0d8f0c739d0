// The page's side of a crew of members that train in a worker.

export const MOST_MEMBERS = 8;

/**
 * Starts a worker of the text `script("members")` of cnnlab.widgets.assemble, a classic one: from a file, a browser starts
 * no module as a worker. `train(members, tell, images)` on `digits` or `shapes` ends the run before, and tells what
 * `serveMembers` answers of this one; `stop()` ends it; `dispose()` ends the worker, when the widget goes.
 */
export function hireCrew(text, packedDigits) {
  const url = URL.createObjectURL(new Blob([text, "\nserveMembers(self);"], { type: "text/javascript" }));
  const worker = new Worker(url);
  let run = 0, told = null, broken = null;
  worker.onmessage = ({ data }) => { if (data.run === run) told?.(data); }; // else it was on its way when its run ended
  worker.onerror = (event) => {
    event.preventDefault();
    broken = event.message || "the browser starts no worker here";
    told?.({ run, error: broken });
  };
  worker.postMessage({ packed: packedDigits });
  return {
    train(members, tell, images = "digits") {
      if (!members.length || members.length > MOST_MEMBERS) {
        throw new RangeError(`${members.length} members: give 1 to ${MOST_MEMBERS}`);
      }
      run++;
      told = tell;
      if (broken) tell({ run, error: broken });
      else worker.postMessage({ run, members, images });
    },
    stop() {
      run++;
      told = null;
      worker.postMessage({ run });
    },
    dispose() {
      told = null;
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
