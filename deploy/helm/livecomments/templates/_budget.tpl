{{/* One at a time; one that is broken anyway keeps no host from being drained. (dict "root" "component") */}}
{{- define "lc.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "lc.fullname" .root }}-{{ .component }}
  labels:
    {{- include "lc.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "lc.selector" . | nindent 6 }}
{{- end -}}
