/** For the simulator, which runs the verifier's own reactions over memory. */
export { ProgramNotStarted, type ProgramEnd, type RunProgram } from './checks/run-program';
export { CheckCutOff } from './checks/verdict';
export { composeVerifier } from './compose-verifier';
export { evaluationRows } from './projections/evaluation-rows';
export { VerifierSubscriptions } from './subscriptions';
