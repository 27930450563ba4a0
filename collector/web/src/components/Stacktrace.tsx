import * as Collapsible from '@radix-ui/react-collapsible';

import type { FrameView } from '../event/view';
import { Frame } from './Frame';

/** A run of frames that are all the app's, or all not. */
interface Run {
  isInApp: boolean;
  frames: FrameView[];
}

function runsOf(frames: FrameView[]): Run[] {
  const runs: Run[] = [];
  for (const frame of frames) {
    const last = runs.at(-1);
    if (last?.isInApp === frame.isInApp) last.frames.push(frame);
    else runs.push({ isInApp: frame.isInApp, frames: [frame] });
  }
  return runs;
}

/** The innermost call on top; the app's own calls open, the others folded. Where none is the app's, all are shown. */
export function Stacktrace({ frames }: { frames: FrameView[] }) {
  const runs = runsOf(frames);
  const hasInApp = runs.some((run) => run.isInApp);
  return (
    <div className="overflow-hidden rounded-md border border-line">
      {runs.map((run, index) =>
        run.isInApp || !hasInApp ? (
          run.frames.map((frame, position) => <Frame key={`${index}.${position}`} frame={frame} />)
        ) : (
          <FoldedRun key={index} frames={run.frames} />
        ),
      )}
    </div>
  );
}

function FoldedRun({ frames }: { frames: FrameView[] }) {
  const calls = frames.length === 1 ? '1 call' : `${frames.length} calls`;
  return (
    <Collapsible.Root className="border-line not-last:border-b">
      <Collapsible.Trigger className="w-full px-3 py-1.5 text-left text-muted hover:bg-raised">
        {calls} outside the app
      </Collapsible.Trigger>
      <Collapsible.Content className="border-t border-line">
        {frames.map((frame, position) => (
          <Frame key={position} frame={frame} />
        ))}
      </Collapsible.Content>
    </Collapsible.Root>
  );
}
