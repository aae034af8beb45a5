/** Text of directives, programs and agents as text of a page: nothing in it is markup. */
import { plainLine, plainText } from '@writ/contracts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escape = (text: string): string => text.replace(/[&<>"']/g, (it) => entities[it] ?? '');

/** One line. */
export const htmlLine = (text: string, limit = 2000): string => escape(plainLine(text, limit));

/** With its line breaks, for `pre`. */
export const htmlText = (text: string): string => escape(plainText(text));
