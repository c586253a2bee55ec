import * as v from 'valibot';

export const settingsSchema = v.object({
  /** Distance to the trend from which a value is an anomaly. */
  threshold: v.pipe(v.number(), v.minValue(0)),
});

export type AnomalyDetectionSettings = v.InferOutput<typeof settingsSchema>;
