import type { Job } from '../job';
import { append } from './append';
import { approve } from './approve';
import { beside } from './beside';
import { cached } from './cached';
import { chain } from './chain';
import { fanOut } from './fan-out';
import { idle } from './idle';
import { large } from './large';
import { overload } from './overload';
import { rebuild } from './rebuild';
import { recover } from './recover';
import { single } from './single';

export const jobs: readonly Job[] = [
  chain,
  fanOut,
  single,
  cached,
  append,
  rebuild,
  recover,
  idle,
  overload,
  beside,
  approve,
  large,
];
