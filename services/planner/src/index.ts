/** For the simulator, which runs the planner's own reactions over memory. */
export { composePlanner, type PlannerParts } from './compose-planner';
export { approvalRows } from './projections/approval-rows';
export { decisionRows } from './projections/decision-rows';
export { directiveRows } from './projections/directive-rows';
export { PlannerSubscriptions } from './subscriptions';
