/** The planner's part in rules at a glance: what it hears and answers. */
import { Controller, Inject } from '@nestjs/common';
import { consumers, queries } from '@writ/contracts';
import { Answers, Hears } from '@writ/messaging';
import type { Incoming } from '@writ/messaging';
import { answerRule, answerRules } from './answer-rule-queries';
import { decideRuleCommand, parseRuleCommand } from './decide-rule-command';
import type { ParsedRuleCommand } from './decide-rule-command';
import { RULES } from './rules';
import type { Rules } from './rules';

@Controller()
export class RuleSubscriptions {
  constructor(@Inject(RULES) private readonly rules: Rules) {}

  @Hears(consumers.plannerRules, { parse: parseRuleCommand, concurrency: 16 })
  command(message: Incoming<ParsedRuleCommand>): Promise<unknown> {
    return decideRuleCommand(this.rules, message);
  }

  @Answers(queries.rule.service, queries.rule.name)
  rule(question: unknown): Promise<unknown> {
    return answerRule(this.rules, question);
  }

  @Answers(queries.rules.service, queries.rules.name)
  all(question: unknown): Promise<unknown> {
    return answerRules(this.rules, question);
  }
}
