/**
 * UUID version 7 (RFC 9562): ids in the order of their making, so that the index over them grows at
 * its end. Within a millisecond a counter keeps the order, and the clock going back does not break it.
 */
import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(4096);
let used = pool.length;
let lastMs = 0;
let counter = 0;

export function uuidV7(): string {
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = 0;
  } else {
    counter += 1;
    if (counter > 0xfff) {
      lastMs += 1;
      counter = 0;
    }
  }
  if (used + 8 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.toString('hex', used, used + 8);
  const variant = (8 | (pool[used]! & 3)).toString(16);
  used += 8;
  const time = lastMs.toString(16).padStart(12, '0');
  const count = counter.toString(16).padStart(3, '0');
  const tail = `${variant}${random.slice(1, 4)}-${random.slice(4)}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${tail}`;
}
