/** A rule as a person wrote it: YAML or JSON, every slip with its place in the file. */
import { explainIssues, RuleFile } from '@writ/contracts';

import { parseText, SIZE_LIMIT } from './directive-file/parse-text';
import { invalid } from './directive-file/read-directive-file';
import { readBounded } from './read-bounded';

/** `-` reads from stdin. Throws CliError: malformed with every issue, file_missing, too_large. */
export function readRuleFile(file: string): RuleFile {
  const parsed = parseText(readBounded(file, SIZE_LIMIT, 'rule file'));
  if ('issues' in parsed) {
    const issues = parsed.issues.map(({ line, column, ...issue }) => {
      return { ...issue, path: '', place: `${file}:${line}:${column}` };
    });
    throw invalid(file, issues, 'malformed');
  }
  const { value, locate } = parsed;
  const checked = RuleFile.safeParse(value);
  if (checked.success) return checked.data;
  const issues = explainIssues(RuleFile, checked.error, value).map((issue) => {
    const { line, column } = locate(issue.path);
    return { ...issue, place: `${file}:${line}:${column}` };
  });
  throw invalid(file, issues, 'malformed');
}
