/** Every migration, in order. One that was released is never changed: add another. */
import { AppendsInOrder1763700000008 } from './appends-in-order';
import { CreateApprovals1763700000009 } from './approvals';
import { CreateContent1763700000006 } from './content';
import { CreateDecisions1763700000040 } from './decisions';
import { CreateExecutor1763700000003 } from './executor';
import { CreateLog1763700000001 } from './log';
import { CreateManifest1763700000005 } from './manifest';
import { CreatePlanner1763700000002 } from './planner';
import { CreateRules1763700000050 } from './rules';
import { CreateSchedules1763700000021 } from './schedules';
import { CreateSignedCheckpoints1763700000007 } from './signed-checkpoints';
import { CreateStepHistory1763700000020 } from './step-history';
import { CreateSnapshots1763700000030 } from './snapshots';
import { IndexSuccesses1763700000041 } from './successes-of-step';
import { CreateVerifier1763700000004 } from './verifier';

export const migrations = [
  CreateLog1763700000001,
  CreatePlanner1763700000002,
  CreateExecutor1763700000003,
  CreateVerifier1763700000004,
  CreateManifest1763700000005,
  CreateContent1763700000006,
  CreateSignedCheckpoints1763700000007,
  AppendsInOrder1763700000008,
  CreateApprovals1763700000009,
  CreateStepHistory1763700000020,
  CreateSchedules1763700000021,
  CreateSnapshots1763700000030,
  CreateDecisions1763700000040,
  IndexSuccesses1763700000041,
  CreateRules1763700000050,
];
