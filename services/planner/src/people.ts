/**
 * Who has which roles, as the installation says: `WRIT_PEOPLE`, asked when a decision is made, so that
 * a role that was taken away counts no more.
 */
import { PersonId, Role } from '@writ/contracts';

export class People {
  private constructor(private readonly roles: ReadonlyMap<string, readonly string[]>) {}

  /** `alice=reviewer+lead,bob=reviewer`. Throws with the entry and the form. */
  static parse(text: string): People {
    const roles = new Map<string, readonly string[]>();
    for (const entry of text.split(',').map((it) => it.trim())) {
      const [person = '', list, ...more] = entry.split('=');
      const named = (list ?? '').split('+').filter((role) => role !== '');
      const fits =
        PersonId.safeParse(person).success &&
        list !== undefined &&
        more.length === 0 &&
        named.every((role) => Role.safeParse(role).success);
      if (!fits) throw new Error(`"${entry}" is not person=role+role, such as alice=reviewer+lead`);
      roles.set(person, named);
    }
    return new People(roles);
  }

  everybody(): ReadonlyMap<string, readonly string[]> {
    return this.roles;
  }

  /** None for whom it does not know. */
  rolesOf(person: string): readonly string[] {
    return this.roles.get(person) ?? [];
  }
}
