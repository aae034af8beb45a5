export { AllowList } from './allow-list';
export { whatIsWrong, type Expected } from './expectation';
export {
  Outbound,
  OutboundTrouble,
  redactedHeaders,
  type OutboundRequest,
  type OutboundResponse,
} from './outbound';
