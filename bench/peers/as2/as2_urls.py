"""The one address of the AS2 server."""

from django.urls import include, path

urlpatterns = [path("pyas2/", include("pyas2.urls"))]
