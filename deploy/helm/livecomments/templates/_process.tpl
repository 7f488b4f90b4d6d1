{{/* The StatefulSet of a role: numbers from 1, so that a pod is called as its process. (dict "root" "role") */}}
{{- define "lc.statefulSet" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $values := get $root.Values $role -}}
{{- $name := printf "%s-%s" (include "lc.fullname" $root) $role -}}
{{- $labels := dict "root" $root "component" $role -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  labels:
    {{- include "lc.labels" $labels | nindent 4 }}
spec:
  serviceName: {{ $name }}
  {{- if eq $role "single" }}
  replicas: 1
  {{- else if not (and (eq $role "node") $values.autoscaling.enabled) }}
  replicas: {{ int $values.replicas }}
  {{- end }}
  ordinals: {start: 1}
  podManagementPolicy: Parallel
  {{- if $values.hold }}
  updateStrategy:
    rollingUpdate: {partition: 100000}
  {{- end }}
  # Before the next one goes, the gateway has looked up the new one's address, and checked it.
  minReadySeconds: {{ ternary 0 10 (eq $role "dispatcher") }}
  selector:
    matchLabels:
      {{- include "lc.selector" $labels | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "lc.selector" $labels | nindent 8 }}
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "lc.isolation" $root | nindent 6 }}
      {{- with $root.Values.store }}
      {{- if and (eq .kind "dynamodb") .dynamodb.serviceAccount (eq $role (include "lc.storeRole" $root)) }}
      serviceAccountName: {{ .dynamodb.serviceAccount }}
      {{- end }}
      {{- end }}
      terminationGracePeriodSeconds: {{ include "lc.grace" . }}
      securityContext:
        {{- include "lc.podSecurity" $root.Values.runAsUser | nindent 8 }}
      {{- include "lc.placement" (dict "root" $root "component" $role "values" $values "revision" "controller-revision-hash") | trim | nindent 6 }}
      {{- if and (ne $role "single") (eq $root.Values.tls.mode "development") }}
      initContainers:
        {{- include "lc.developmentInit" (dict "root" $root "wanted" (printf "%s/$(POD_NAME)" $role)) | nindent 8 }}
      {{- end }}
      containers:
        {{- include "lc.container" . | nindent 8 }}
      volumes:
        {{- include "lc.volumes" . | nindent 8 }}
  {{- if include "lc.keepsFile" . }}
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $root.Values.store.sqlite.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ $root.Values.store.sqlite.size }}}}
  {{- end }}
{{- end -}}

{{/* How long a process may take to end: its drain, and room for what hangs. (dict "root" "role") */}}
{{- define "lc.grace" -}}
{{- $values := get .root.Values .role -}}
{{- if eq .role "dispatcher" -}}20
{{- else -}}
{{- addf $values.drainNoticeSeconds ($values.drainWindowSeconds | default 0) 20 | ceil | int -}}
{{- end -}}
{{- end -}}

{{/* "yes" for a role with comments on a volume of its own. (dict "root" "role") */}}
{{- define "lc.keepsFile" -}}
{{- $store := .root.Values.store -}}
{{- if and (eq .role (include "lc.storeRole" .root)) (eq $store.kind "sqlite") $store.sqlite.persistent -}}yes{{- end -}}
{{- end -}}

{{- define "lc.container" -}}
{{- $values := get .root.Values .role -}}
{{- $secrets := (include "lc.secretSources" . | fromYaml).sources -}}
- name: {{ .role }}
  image: {{ include "lc.image" (dict "image" .root.Values.image "tag" .root.Chart.AppVersion) }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [{{ include "lc.program" . }}]
  env:
    {{- include "lc.environment" . | nindent 4 }}
  ports:
    {{- include "lc.containerPorts" . | trim | nindent 4 }}
  startupProbe:
    httpGet: {path: /healthz, port: ops}
    periodSeconds: 1
    failureThreshold: 120
  livenessProbe:
    httpGet: {path: /healthz, port: ops}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  readinessProbe:
    httpGet: {path: /readyz, port: ops}
    periodSeconds: 2
    timeoutSeconds: 2
    failureThreshold: 2
  resources:
    {{- toYaml $values.resources | nindent 4 }}
  securityContext:
    {{- include "lc.containerSecurity" .root | nindent 4 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    {{- if ne .role "single" }}
    {{- include "lc.tlsMount" .root | nindent 4 }}
    {{- end }}
    {{- if $secrets }}
    - {name: secrets, mountPath: /secrets, readOnly: true}
    {{- end }}
    {{- if include "lc.hasData" . }}
    - {name: data, mountPath: /data}
    {{- end }}
{{- end -}}

{{/* (dict "role"): of the container, and of the headless Service. */}}
{{- define "lc.ports" -}}
{{- if ne .role "dispatcher" }}
public: 8001
{{- end }}
{{- if ne .role "single" }}
internal: 8002
{{- end }}
ops: 8003
{{- end -}}

{{- define "lc.containerPorts" -}}
{{- range $name, $port := include "lc.ports" . | fromYaml }}
- {name: {{ $name }}, containerPort: {{ $port }}}
{{- end }}
{{- end -}}

{{- define "lc.hasData" -}}
{{- if and (eq .role (include "lc.storeRole" .root)) (eq .root.Values.store.kind "sqlite") -}}yes{{- end -}}
{{- end -}}

{{- define "lc.volumes" -}}
{{- $secrets := (include "lc.secretSources" . | fromYaml).sources -}}
- name: tmp
  emptyDir: {medium: Memory, sizeLimit: 16Mi}
{{- if ne .role "single" }}
{{ include "lc.tlsVolumes" . }}
{{- end }}
{{- with $secrets }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- toYaml . | nindent 6 }}
{{- end }}
{{- if and (include "lc.hasData" .) (not (include "lc.keepsFile" .)) }}
- name: data
  emptyDir: {}
{{- end }}
{{- end -}}
