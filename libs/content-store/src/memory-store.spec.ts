import { describeContentStore } from './content-store.conformance';
import { layeredStore } from './layered-store';
import { type MemoryStore, openMemoryStore } from './memory-store';

let memory: MemoryStore;
describeContentStore('in memory', {
  open: async () => (memory = openMemoryStore()),
  damage: async (digest) => void memory.contents.set(digest, Buffer.from('precioux')),
});

describeContentStore('of two layers', {
  open: async () =>
    layeredStore({
      small: openMemoryStore(),
      large: openMemoryStore(),
      smallBytes: 4,
    }),
});

describe('the layered store', () => {
  it('puts content by its size, also when it comes as a stream', async () => {
    const [small, large] = [openMemoryStore(), openMemoryStore()];
    const store = layeredStore({ small, large, smallBytes: 4 });
    async function* pieces(...texts: string[]) {
      for (const text of texts) yield Buffer.from(text);
    }
    const a = await store.put(Buffer.from('1234'));
    const b = await store.putStream(pieces('12', '3'));
    const c = await store.put(Buffer.from('12345'));
    const d = await store.putStream(pieces('12', '34', '56'));
    expect([...small.contents.keys()].sort()).toEqual([a.digest, b.digest].sort());
    expect([...large.contents.keys()].sort()).toEqual([c.digest, d.digest].sort());
  });
});
