import { eventLogConformance } from './event-log.conformance';
import { MemoryLog } from './memory-log';

eventLogConformance('the log in memory', async () => new MemoryLog());
