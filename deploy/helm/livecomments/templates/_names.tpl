{{/* What begins all names. Pods are called <this>-<role>-<number>, and so are our processes. */}}
{{- define "lc.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Our roles in this topology, separated by commas. */}}
{{- define "lc.roles" -}}
{{- if eq .Values.topology "single" -}}single
{{- else if eq .Values.topology "dispatcher" -}}writer,dispatcher,node
{{- else -}}writer,node
{{- end -}}
{{- end -}}

{{/* "yes" where writers and nodes meet in Redis. */}}
{{- define "lc.withRedis" -}}
{{- if has .Values.topology (list "broadcast" "partitioned" "gateway") -}}yes{{- end -}}
{{- end -}}

{{/* The role of the processes with the store. */}}
{{- define "lc.storeRole" -}}
{{- ternary "single" "writer" (eq .Values.topology "single") -}}
{{- end -}}

{{/* The role of the processes with the streams. */}}
{{- define "lc.streamRole" -}}
{{- ternary "single" "node" (eq .Values.topology "single") -}}
{{- end -}}

{{/* The program of a role, as the image knows it. (dict "role") */}}
{{- define "lc.program" -}}
{{- ternary "rtms_node" .role (eq .role "node") -}}
{{- end -}}

{{/* (dict "root" "component") */}}
{{- define "lc.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* (dict "root" "component") */}}
{{- define "lc.labels" -}}
{{ include "lc.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* (dict "image" "tag"): by digest where one is given. */}}
{{- define "lc.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .tag }}
{{- end -}}
{{- end -}}

{{/* (dict "root" "role"): the part of a DNS name that all pods of a role share. */}}
{{- define "lc.domain" -}}
{{ include "lc.fullname" .root }}-{{ .role }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end -}}

{{/* How many pods of a role there may be. (dict "root" "role") */}}
{{- define "lc.slots" -}}
{{- $values := get .root.Values .role -}}
{{- if eq .role "single" -}}1{{- else -}}{{ max (int $values.slots) (int $values.replicas) }}{{- end -}}
{{- end -}}
