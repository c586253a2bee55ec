/** Reads the stage parameter `tags`, such as `team=vision,project=7`. @throws Error that quotes what is no tag */
export const parseStackTags = (text: string): Record<string, string> => {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return Object.fromEntries(
    parts.map((part) => {
      const [, name = '', value = ''] = /^([^=]+)=(.+)$/.exec(part) ?? [];
      if (name === '' || name.startsWith('aws:'))
        throw new Error(
          `the parameter tags has "${part}", expected <name>=<value>, and names that do not begin with aws:`,
        );
      return [name, value];
    }),
  );
};
