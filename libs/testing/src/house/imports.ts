/** Reads what a source file imports, well enough for house rules: by its text, without a compiler. */
const forms = [
  /\b(?:import|export)\s[^'";]*?\bfrom\s*['"]([^'"]+)['"]/g,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\b(?:import|require|require\.resolve|jest\.requireActual)\(\s*['"]([^'"]+)['"]/g,
];

export function importsOf(text: string): string[] {
  return forms.flatMap((form) => [...text.matchAll(form)].map((match) => match[1] ?? ''));
}

export const isSource = (path: string) =>
  /^(libs|services)\/[^/]+\/src\/.*\.tsx?$/.test(path) && !path.endsWith('.d.ts');

/** Files that run in tests only. */
export const isSpec = (path: string) => /\.(spec|conformance)\.tsx?$/.test(path);
