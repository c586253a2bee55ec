/**
 * True if a client takes what it names in a header such as `accept`: a weight of 0 refuses it.
 * https://www.rfc-editor.org/rfc/rfc9110#section-12.4.2
 */
export const accepts = (header: string | undefined, name: string): boolean =>
  (header ?? '').split(',').some((each) => {
    const [value = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    return value === name && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
