export { emptyDatabase, type EmptyDatabase } from './empty-database';
export { eventually, type EventuallyOptions } from './eventually';
export { type ManualClock, manualClock, type SeededRandom, seededRandom } from './seeded';
export { startFromSources } from './start-from-sources';
export {
  type DatabaseService,
  testDatabase,
  type TestDatabase,
  testPasswords,
} from './test-database';
export { testNats, type TestNats } from './test-nats';
export { TestStack, writ, type CommandResult, type StackFile } from './test-stack';
export {
  deployedTexts,
  metricsNamedIn,
  metricsServedIn,
  namesWithoutMetric,
} from './metric-references';
export { filledIn, type ReadmeCommand, readmeCommands } from './readme-commands';
export { DeciderHistory } from './decider-history';
export {
  DirectiveStory,
  runningStory,
  storyFile,
  storyId,
  type StoryStep,
} from './directive-story';
export { longDirective, type LongDirective } from './long-directive';
