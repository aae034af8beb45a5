/** Patterns for names of files: `*` and `?` within a folder, `**` through folders, `[abc]`. */

export function isGlob(name: string): boolean {
  return /[*?[]/.test(name);
}

export function globExpression(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const rest = pattern.slice(at);
    const list = /^\[(!?)([^\]/]+)\]/.exec(rest);
    if (rest.startsWith('**/')) {
      source += '(?:[^/]+/)*';
      at += 2;
    } else if (rest.startsWith('**')) {
      source += '.*';
      at += 1;
    } else if (pattern[at] === '*') source += '[^/]*';
    else if (pattern[at] === '?') source += '[^/]';
    else if (list !== null) {
      source += `[${list[1] ? '^/' : ''}${list[2]!.replace(/[\\\]^]/g, '\\$&')}]`;
      at += list[0].length - 1;
    } else source += pattern[at]!.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  }
  return new RegExp(`^${source}$`, 'u');
}
