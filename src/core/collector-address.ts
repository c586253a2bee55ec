/** Tells whether `text` is an address that a collector of OpenTelemetry can have. */
export const isCollectorAddress = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? '');

/** Tells whether `text` is a list of headers as OpenTelemetry writes it; an empty one is none. */
export const isHeaderList = (text: string): boolean => /^$|^[^=,]+=[^,]*(,[^=,]+=[^,]*)*$/.test(text);

/** Names such an address, for messages. */
export const COLLECTOR_ADDRESS = 'an address such as https://otlp.example.org:4318';
