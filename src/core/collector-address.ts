/** Tells whether `text` is an address that a collector of OpenTelemetry can have. */
export const isCollectorAddress = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? '');

/** Names such an address, for messages. */
export const COLLECTOR_ADDRESS = 'an address such as https://otlp.example.org:4318';
